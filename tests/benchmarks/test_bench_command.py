"""`angel bench`: parts run in processes of their own, several runs have a spread, the page is its result files."""

import dataclasses
import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from angel_hf.cli import app
from benchmarks import suite
from benchmarks.data import REPOSITORY
from benchmarks.figures import Figure, figures, spreads
from benchmarks.page import FORMATS, PAGE, read_runs, render, write_page
from benchmarks.plots import plots_of
from benchmarks.suite import PARTS, Part, Request, measure
from benchmarks.suite_file import SuiteFile

MACHINE = {
    "cpu": "A CPU", "cores": 2, "threads": 1, "instructions": "AVX2", "load": 0.5,
    "versions": {"torch": "2.13", "transformers": "5.23"},
}  # fmt: skip


def point(series: str, at: int, rate: float) -> dict:
    return {"series": series, "at": at, "mentions": 10, "cpu_seconds": [10 / rate], "mentions_per_cpu_second": rate}


def sweeps_of(rate: float) -> dict:
    """A result file of sweeps with one point by two on each axis."""
    memory = {"names": 1000, "tokens": 5000, "file_bytes": 8000, "name_trie": {"held": 8000, "peak": 20_000}}
    return {
        "format": "angel-sweeps-1",
        "command": "python -m benchmarks.sweeps",
        "quick": False,
        "machine": MACHINE,
        "sweeps": {
            "mentions": 10,
            "by_batch_size": [
                point("angel_hf", 1, rate),
                point("angel_hf", 32, 2 * rate),
                point("transformers", 1, 5.0),
            ],
            "by_beams": [point("angel_hf", 10, rate)],
            "by_names": [point("angel_hf", 1000, rate), point("angel_hf", 100_000, rate)],
            "memory": [
                memory | {"nested_dict": {"held": 800_000}},
                memory | {"names": 9000, "nested_dict": {"held": 9e6}},
            ],
            "work": {"operations": 10**10, "decoder_rows": 530},
            "their_operations": 4 * 10**10,
        },
    }


# The program

PART = """
import json, os, sys
output = sys.argv[sys.argv.index("--output") + 1]
threads = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "HF_HUB_OFFLINE")}
assert "torch" not in sys.modules
if "fail" in sys.argv:
    sys.exit("error: nothing to measure")
json.dump({"threads": threads, "arguments": sys.argv[1:]}, open(output, "w"))
"""


@pytest.fixture
def part(tmp_path, monkeypatch) -> Part:
    """A part that writes how it was started."""
    (tmp_path / "some_part.py").write_text(PART)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return Part("some", "some_part", "nothing", quick=("--quick",), folder="--folder")


def test_a_part_starts_with_its_threads_before_anything_is_imported(part):
    (run,) = measure(Request((part,), threads=3, quick=True, repeats=2), lambda line: None)
    document = run.parts["some"]
    assert document["threads"] == {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3", "HF_HUB_OFFLINE": "1"}
    assert document["arguments"][:4] == ["--quick", "--repeats", "2", "--folder"]
    assert document["command"] == "python -m some_part --quick --repeats 2"
    assert document["quick"] is True
    assert "OMP_NUM_THREADS" not in os.environ


def test_what_cannot_be_measured_is_reported_and_the_rest_is_measured(part, tmp_path):
    failing = Part("failing", "some_part", "nothing", quick=("fail",))
    lacking = Part("lacking", "some_part", "nothing", needs=("reference/none",))
    lines: list[str] = []
    runs = measure(Request((failing, lacking, part), runs=2, quick=True, data=tmp_path), lines.append)
    assert [list(run.parts) for run in runs] == [["some"], ["some"]]
    assert runs[0].lacking["failing"] == "`python -m some_part fail` ended with code 1"
    assert (
        runs[0].lacking["lacking"].startswith(f"{tmp_path / 'reference' / 'none'} is not there; set ANGEL_SHARED_DATA")
    )
    assert lines[0] == "run 1 of 2: failing, nothing"


@pytest.fixture
def two_runs(tmp_path, part):
    """The command of two runs of two parts: `part`, and one that works as soon as a file exists."""
    (tmp_path / "later_part.py").write_text(
        "import os, sys\nif not os.path.exists(os.environ['READY']): sys.exit(3)\n" + PART
    )
    later = Part("later", "later_part", "nothing")
    output = tmp_path / "results" / "bench.json"
    return SuiteFile(output, "angel bench", Request((part, later), runs=2)), output


def test_what_was_measured_before_a_stop_is_kept_and_not_measured_again(two_runs, tmp_path, monkeypatch):
    file, output = two_runs
    monkeypatch.setenv("READY", str(tmp_path / "ready"))
    monkeypatch.setattr("benchmarks.figures._OF_PART", dict.fromkeys(("some", "later"), lambda document: iter(())))

    def stop_in_the_second_run(runs) -> None:
        file.keep(runs)
        if len(runs) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(file.request, lambda line: None, file.measured(), stop_in_the_second_run)
    assert not output.exists()
    before = file.measured()
    assert [(list(run.parts), list(run.lacking)) for run in before] == [(["some"], ["later"]), (["some"], [])]
    (tmp_path / "ready").touch()
    lines: list[str] = []
    file.finish(measure(file.request, lines.append, before, file.keep))
    assert lines == [
        "run 1 of 2: some was measured before",
        "run 1 of 2: later, nothing",
        "run 2 of 2: some was measured before",
        "run 2 of 2: later, nothing",
    ]
    runs = json.loads(output.read_text())["runs"]
    assert [(list(run["parts"]), run["lacking"]) for run in runs] == [(["some", "later"], {})] * 2
    assert [path.name for path in output.parent.iterdir()] == ["bench.json"]


def test_a_stopped_measurement_is_resumed_by_the_same_request_alone(two_runs):
    file, output = two_runs
    file.keep([])
    other = SuiteFile(output, "angel bench", dataclasses.replace(file.request, quick=True))
    with pytest.raises(ValueError, match=r"partial holds .* its request.quick was False and is True; name another"):
        other.measured()


def test_a_stopped_measurement_is_not_resumed_by_other_code(two_runs, tmp_path, monkeypatch):
    file, output = two_runs
    source = tmp_path / "tree" / "angel_hf" / "search.py"
    source.parent.mkdir(parents=True)
    monkeypatch.setattr("benchmarks.suite_file.REPOSITORY", source.parents[1])
    source.write_text("beams = 10\n")
    SuiteFile(output, "angel bench", file.request).keep([])
    assert SuiteFile(output, "angel bench", file.request).measured() == []
    resuming = SuiteFile(output, "angel bench", file.request)
    source.write_text("beams = 5\n")
    with pytest.raises(ValueError, match=r"the code was '\w{16}' and is '\w{16}' since the last part began"):
        resuming.keep([])
    with pytest.raises(ValueError, match=r"partial holds .* its code was '\w{16}' and is '\w{16}'; name another"):
        SuiteFile(output, "angel bench", file.request).measured()


def test_the_parts_are_modules_of_the_source_tree():
    for part in PARTS:
        path = REPOSITORY.joinpath(*part.module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.fixture
def measured(monkeypatch) -> list[Request]:
    """The requests; measuring gives sweeps that differ from run to run."""
    requests = []

    def stand_in(request: Request, progress, *measured_before) -> list[suite.Run]:
        requests.append(request)
        lacking = {part.name: "no data" for part in request.parts if part.name != "sweeps"}
        return [suite.Run("now", {"sweeps": sweeps_of(20.0 + run)}, lacking) for run in range(request.runs)]

    monkeypatch.setattr(suite, "measure", stand_in)
    return requests


def test_three_runs_are_one_file_and_their_spread_is_printed(measured, tmp_path):
    output = tmp_path / "bench.json"
    result = CliRunner().invoke(app, ["bench", "--part", "sweeps", "--runs", "3", "--output", str(output)])
    assert result.exit_code == 0, result.output
    assert re.search(r"sweeps: angel_hf, batch 1 +│ +21 │ +20 - 22 │ mentions/CPU s", result.output)
    document = json.loads(output.read_text())
    assert [len(run["parts"]["sweeps"]["sweeps"]["by_batch_size"]) for run in document["runs"]] == [3] * 3
    figure = document["figures"][0]
    assert (figure["values"], figure["median"], figure["relative"]) == ([20.0, 21.0, 22.0], 21.0, 2 / 21)


def test_core_is_measured_unless_more_is_requested_and_the_exit_code_says_what_is_missing(measured):
    result = CliRunner().invoke(app, ["bench", "--quick"])
    assert result.exit_code == 1
    assert "core was not measured: no data" in result.output
    assert CliRunner().invoke(app, ["bench", "--all", "--repeats", "5", "--threads", "2"]).exit_code == 1
    assert [[part.name for part in request.parts] for request in measured] == [
        ["core", "sweeps"],
        [part.name for part in PARTS],
    ]
    assert (measured[0].quick, measured[1].repeats, measured[1].threads) == (True, 5, 2)


def test_a_part_that_is_not_there_is_refused():
    result = CliRunner().invoke(app, ["bench", "--part", "speed"])
    assert result.exit_code == 2
    assert "--part speed: no such part; expected one of core, sweeps" in result.output


# Figures and page


def test_a_figure_over_runs_keeps_all_its_values(monkeypatch):
    made = {
        "a": Figure("sweeps", "speed", 3.0, "times", ">= 4", False),
        "b": Figure("sweeps", "speed", 5.0, "times", ">= 4", True),
    }
    monkeypatch.setattr("benchmarks.figures._OF_PART", {"sweeps": lambda document: iter([made[document["which"]]])})
    (spread,) = spreads([{"sweeps": {"which": "a"}}, {}, {"sweeps": {"which": "b"}}])
    assert (spread.values, spread.met, spread.median, spread.relative) == ((3.0, 5.0), (False, True), 4.0, 0.5)


COMMITTED_RESULTS = [
    path
    for path in sorted((REPOSITORY / "results").glob("*.json"))
    if json.loads(path.read_text()).get("format") in {*FORMATS, suite.FORMAT}
]


@pytest.mark.parametrize("path", COMMITTED_RESULTS, ids=lambda path: path.name)
def test_every_result_file_that_is_committed_gives_its_figures(path):
    found = spreads(read_runs([path]))
    assert found
    assert all(spread.target is None or len(spread.met) == len(spread.values) for spread in found)


def test_the_figures_of_the_core_are_read_with_their_targets():
    found = {spread.name: spread for spread in spreads(read_runs([REPOSITORY / "results" / "bench-core.json"]))}
    contest = found["small, batch 32, by generate at batch 16"]
    assert contest.target.startswith(">= ") and contest.met[0] is (contest.median >= float(contest.target[3:]))
    assert found["trie, opened"].target == "<= 10"
    assert found["mentions with the published code's names"].values == (40,)


def test_the_figures_of_the_base_shape_are_read_with_their_targets():
    contests = [{"our_batch_size": size, "ours": {"cpu_seconds": [4.0, 8.0, 5.0], "work": 40}} for size in (32, 1)]
    document = {
        "ratios_by_default": [{"median": 5.0}, {"median": 1.5}],
        "peak_share": 0.7,
        "thread_ratio": 1.9,
        "targets": {
            "batch 32 at least 3.2x generate at 16": True,
            "batch 1 at least 2.0x generate at 1": False,
            "at least 80% of the peak": False,
            "two threads at least 1.8x one": True,
        },
        "contests": contests,
    }
    assert [(f.name, f.value, f.target, f.met) for f in figures({"base": document})] == [
        ("BART-base's shape, batch 32 by generate at 16", 5.0, ">= 3.2", True),
        ("BART-base's shape, batch 1 by generate at 1", 1.5, ">= 2", False),
        ("BART-base's shape, by the peak", 0.7, ">= 0.8", False),
        ("BART-base's shape, two threads by one", 1.9, ">= 1.8", True),
        ("BART-base's shape, batch 32", 8.0, None, None),
        ("BART-base's shape, batch 1", 8.0, None, None),
    ]


def test_a_quick_look_meets_no_target_and_misses_none():
    document = json.loads((REPOSITORY / "results" / "bench-core.json").read_text(encoding="utf-8"))
    judged, looked_at = figures({"core": document}), figures({"core": document | {"quick": True}})
    assert {figure.met for figure in judged} > {None} and {figure.met for figure in looked_at} == {None}
    assert [(one.name, one.value, one.target) for one in judged] == [
        (one.name, one.value, one.target) for one in looked_at
    ]


def test_results_of_different_machines_have_no_medians(tmp_path):
    for name, cpu in (("one", "Abacus"), ("other", "Pascaline")):
        document = sweeps_of(20.0)
        document["machine"] = document["machine"] | {"cpu": cpu}
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    files = [str(tmp_path / f"{name}.json") for name in ("one", "other")]
    result = CliRunner().invoke(app, ["bench", "page", *files, "--docs", str(tmp_path)])
    assert result.exit_code == 2
    assert "results of different machines or versions, such as Abacus" in " ".join(result.output.split())


def test_files_that_are_no_results_are_refused(tmp_path):
    (tmp_path / "other.json").write_text('{"format": "other"}')
    (tmp_path / "broken.json").write_text("{")
    for name, reason in (("other", "format 'other'; expected one of angel-bench-1"), ("broken", "no JSON")):
        result = CliRunner().invoke(app, ["bench", "page", str(tmp_path / f"{name}.json"), "--docs", str(tmp_path)])
        assert result.exit_code == 2
        assert reason in " ".join(result.output.split())
    assert not (tmp_path / PAGE).exists()


def test_the_page_has_every_figure_and_the_plots_every_point(tmp_path):
    for run in (1, 2):
        (tmp_path / f"{run}.json").write_text(json.dumps(sweeps_of(20.0 * run)))
    written = write_page([tmp_path / "1.json", tmp_path / "2.json"], tmp_path / "docs")
    page = (tmp_path / "docs" / PAGE).read_text()
    assert "Rendered by `angel bench page` from `1.json` and `2.json`" in page
    assert "| angel_hf, batch 1 | 30 | 20 to 40 | mentions/CPU s |  |  |" in page
    assert "| counted operations of generate | 4 | 4 to 4 | 10^9/mention |  |  |" in page
    assert [path.name for path in written[1:]] == re.findall(r"\(images/(.*?)\)", page)
    assert points_in(tmp_path / "docs" / "images" / "speed-by-batch-size.svg") == [
        {"label": "angel_hf", "x": [1, 32], "y": [40.0, 80.0]},
        {"label": "transformers", "x": [1], "y": [5.0]},
    ]


def points_in(svg: Path) -> list[dict]:
    """What the plot says that it shows."""
    description = ElementTree.parse(svg).find(".//{http://purl.org/dc/elements/1.1/}description")
    assert description is not None
    return json.loads(description.text)


COMMITTED = REPOSITORY / "docs" / PAGE


def test_the_committed_page_and_plots_are_those_of_their_result_files():
    page = COMMITTED.read_text(encoding="utf-8")
    sources = re.findall(r"`(results/[^`]+\.json)`", page.split("which hold")[0])
    runs = read_runs([REPOSITORY / source for source in sources])
    assert render(runs, sources) == page
    (sweeps,) = [run["sweeps"]["sweeps"] for run in runs if "sweeps" in run][-1:]
    for plot in plots_of(sweeps):
        shown = points_in(COMMITTED.parent / "images" / f"{plot.name}.svg")
        assert shown == [{"label": line.label, "x": list(line.x), "y": list(line.y)} for line in plot.lines]
