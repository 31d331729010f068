"""The result file and the tables say what was measured."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.data import DATA_VARIABLE, REPOSITORY, find_data
from benchmarks.machine import this_machine
from benchmarks.report import print_run
from benchmarks.result_file import FORMAT, Run, write_run
from benchmarks.search_speed import Agreement, Contest, SearchSpeed
from benchmarks.timing import Timing
from benchmarks.trie_cost import TIMED_TRIES, Memory, TrieCost


@pytest.fixture
def run(monkeypatch, tmp_path) -> Run:
    """A run with made-up numbers, on the sample."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    contests = (
        Contest(32, 16, 160, Timing((4.0, 4.0), 160), Timing((16.0, 20.0), 160), Timing((24.0, 20.0), 160), 3.5),
        Contest(1, 1, 40, Timing((4.0, 4.0), 40), Timing((6.0, 6.0), 40), Timing((8.0, 8.0), 40), 1.7),
    )
    trie = TrieCost(
        files=("names.json",),
        names=12,
        entries=10,
        tokens=50,
        nodes=30,
        read_seconds=1.0,
        tokenise_seconds=2.0,
        build={name: Timing((seconds,) * 3) for name, seconds in zip(TIMED_TRIES, (0.5, 1.0, 6.0, 2.0), strict=True)},
        memory={"name-trie": Memory(1000, 3000, 5000), "nested-dict": Memory(20_000, 21_000, None)},
        file_bytes=1200,
        open_seconds=(0.5, 0.001, 0.001),
        expand_root_seconds=(0.001, 0.0001, 0.0001),
    )
    search = SearchSpeed("tiny", 1000, 81_820, 110.0, Agreement(10, 9, 8, 3, 10), contests)
    return Run("python -m benchmarks", False, 13, this_machine(), find_data(), search, trie)


def on_shared_data(run: Run, tmp_path) -> Run:
    """The same numbers, as if measured with what the targets are meant for."""
    mesh = (tmp_path / "mesh.tsv",)
    data = type(run.data)(tmp_path, tmp_path / "small", tmp_path / "names.json", mesh, ())
    return Run(run.command, run.quick, run.seed, run.machine, data, run.search, run.trie)


def test_the_result_file_holds_every_measurement(run, tmp_path):
    path = tmp_path / "results" / "bench.json"
    write_run(path, on_shared_data(run, tmp_path))
    document = json.loads(path.read_text())
    assert [file.name for file in path.parent.iterdir()] == ["bench.json"]
    assert list(document) == ["format", "command", "quick", "seed", "machine", "data", "search", "trie"]
    assert document["format"] == FORMAT
    assert document["machine"]["threads"] == this_machine().threads
    assert {"python", "torch", "transformers", "numpy"} <= set(document["machine"]["versions"])
    large, single = document["search"]["contests"]
    rates = {name: large[name].pop("mentions_per_cpu_second") for name in ("ours", "theirs", "theirs_by_default")}
    assert rates == {"ours": 40.0, "theirs": pytest.approx(160 / 18), "theirs_by_default": pytest.approx(160 / 22)}
    assert large["ours"] == {"batch_size": 32, "mentions": 160, "cpu_seconds": [4.0, 4.0]}
    assert large["theirs"] == {"batch_size": 16, "mentions": 160, "cpu_seconds": [16.0, 20.0]}
    assert large["theirs_by_default"]["cpu_seconds"] == [24.0, 20.0]
    assert large["ratio"] == {"median": 4.5, "least": 4.0, "most": 5.0}
    assert large["target"] == {"least_ratio": 3.5, "met": True, "met_by_default": True}
    assert single["target"] == {"least_ratio": 1.7, "met": False, "met_by_default": True}
    assert document["search"]["agreement"] == {
        "mentions": 10,
        "first": 9,
        "first_by_default": 8,
        "all_names": 3,
        "golden": 10,
    }
    assert {name: timing["cpu_seconds"] for name, timing in document["trie"]["build"].items()} == {
        "name-trie": [0.5] * 3,
        "name-trie-from-lists": [1.0] * 3,
        "nested-dict": [6.0] * 3,
        "nested-dict-without-gc": [2.0] * 3,
    }
    assert document["trie"]["time_ratio"]["median"] == 12.0
    assert document["trie"]["time_ratio_without_gc"]["median"] == 4.0
    assert document["trie"]["memory_ratio"] == 20.0
    assert document["trie"]["target"]["met"] == {"time": True, "memory": False, "open": True}


def test_targets_are_not_judged_on_the_sample(run, tmp_path):
    write_run(tmp_path / "bench.json", run)
    document = json.loads((tmp_path / "bench.json").read_text())
    assert [contest["target"]["met"] for contest in document["search"]["contests"]] == [None, None]
    assert document["trie"]["target"]["met"] is None
    assert len(document["data"]["substitutes"]) == 2


def test_the_tables_tell_ratios_targets_and_agreement(run, tmp_path, capsys):
    print_run(on_shared_data(run, tmp_path))
    printed = " ".join(capsys.readouterr().out.split())
    for expected in (
        "4.50x │ 4.00 - 5.00 │ >= 3.5x: met",
        "1.50x │ 1.50 - 1.50 │ >= 1.7x: NOT MET",
        "2.00x │ 2.00 - 2.00 │ >= 1.7x: met",
        "the first name of 9 of 10 mentions with tuned options and of 8 with default options; all ten in order of 3",
        "build time 1/12.0 of the nested dict's, target 1/10: met",
        "memory 1/20.0 of the nested dict's, target 1/30: NOT MET",
        "unknown here",
    ):
        assert expected in printed
    assert "SAMPLE DATA" not in printed


def test_the_tables_say_that_the_sample_was_used(run, capsys):
    print_run(run)
    printed = capsys.readouterr().out
    assert printed.count("SAMPLE DATA") == 2
    assert "MET" not in printed.replace("NOT MET", "MET")
    assert printed.count("not judged") == 7


@pytest.mark.slow
def test_a_quick_run_on_the_sample(tmp_path):
    output = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--output", str(output)],
        cwd=REPOSITORY,
        env=os.environ | {DATA_VARIABLE: str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "SAMPLE DATA" in done.stdout
    document = json.loads(output.read_text())
    assert document["machine"]["threads"] == 1
    assert document["search"]["agreement"]["golden"] == 10
    assert document["search"]["agreement"]["first"] >= 9
    assert document["trie"]["memory_ratio"] > 10
