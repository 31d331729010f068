import dataclasses
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from eval_harness import benchmarks
from eval_harness.cli import app
from eval_harness.corpus import Corpus, sha256
from eval_harness.prediction_schema import PREDICTION_SCHEMA
from eval_harness.result_file import read_results, to_json


@pytest.fixture
def arguments(corpus: Corpus, source: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(benchmarks, "BENCHMARKS", (corpus.benchmark,))
    ontology = source.parent / "ontology.safetensors"
    return ["run", "--benchmark", "toy", "--source", str(source), "--knowledge-base", str(ontology)]


def test_a_run_writes_results_reports_and_predictions_and_prints_a_table(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    predictors = ["--predictor", "exact", "memory", "--protocol", "strict", "angel"]
    ended = CliRunner().invoke(app, [*arguments, *predictors, "--out", str(out)])
    assert ended.exit_code == 0, ended.output
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "predictions/exact-angel.parquet",
        "predictions/exact-strict.parquet",
        "predictions/memory-angel.parquet",
        "predictions/memory-strict.parquet",
        "report.html",
        "report.md",
        "results.json",
        "timings.json",
    ]

    document = json.loads((out / "results.json").read_text())
    assert (document["benchmark"], document["split"], document["source"], document["text"]) == (
        "toy",
        "test",
        "released",
        "released",
    )
    assert document["data_sha256"]["test.txt"] == sha256(tmp_path / "corpus" / "test.txt")
    assert set(document["data_sha256"]) == {"train.txt", "dev.txt", "test.txt", "ontology.safetensors"}
    assert {"python", "torch", "transformers"} <= set(document["versions"])
    accuracy = {(one["protocol"]["name"], one["predictor"]): one["accuracy_at_1"] for one in document["results"]}
    # strict: `cold` stands for the common cold only; `coryza` is right, and two have no answer.
    assert accuracy["strict", "exact"] == 25.0
    # angel: `cold` counts for both concepts, `nasal catarrh` is a name from dev, and nobody knows the fourth.
    assert accuracy["angel", "exact"] == 100.0
    assert accuracy["angel", "memory"] == pytest.approx(100 / 3, abs=1e-4)
    assert document["results"][0]["protocol"]["concepts_of_a_name"] == "first"
    low, high = document["results"][0]["accuracy_at_1_interval"]
    assert low <= 25 <= high
    assert to_json(read_results(out / "results.json")) == document

    table = [line.split()[:5] for line in ended.stdout.splitlines()]
    assert ["angel", "exact", "3", "0", "100.0"] in table

    predictions = pq.read_table(out / "predictions" / "exact-angel.parquet")
    assert predictions.schema.equals(PREDICTION_SCHEMA)
    assert predictions["rank"].to_pylist() == [1, 1, 1]
    assert predictions["candidates"][0].as_py()[0]["concept_ids"] == ["D029424", "D003139"]
    assert predictions["flags"][1].as_py()["exact_name"] is True


def test_a_rerun_gives_the_same_files(arguments: list[str], tmp_path: Path) -> None:
    given = [*arguments, "--predictor", "tfidf", "memory", "--protocol", "belb", "--out"]
    for out in ("first", "second", "second"):
        assert CliRunner().invoke(app, [*given, str(tmp_path / out)]).exit_code == 0
    files = [path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file()]
    assert len(files) == 10
    for file in files:
        if file.name != "timings.json":
            assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--predictor", "psychic", "--protocol", "strict"], "'psychic'; expected one of exact, memory, tfidf, bm25"),
        (
            ["--predictor", "exact", "--protocol", "kind"],
            "'kind'; expected one of angel, lenient, strings",
        ),
        (["--predictor", "exact", "--protocol", "strict", "--split", "half"], "toy has no split 'half'"),
        (["--predictor", "exact", "--protocol", "strict", "--text", "new"], "'new'; expected one of released"),
        (["--predictor", "exact", "--predictor", "exact", "--protocol", "strict"], "two of one name"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    arguments: list[str], tmp_path: Path, changed: list[str], message: str
) -> None:
    ended = CliRunner().invoke(app, [*arguments, *changed, "--out", str(tmp_path / "out")])
    assert ended.exit_code == 2
    assert message in ended.output.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_a_corpus_of_another_size_ends_the_run_or_is_told_in_the_report(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "corpus" / "test.txt").write_text("cold|D003139\ncoryza|D003139")
    given = [*arguments, "--predictor", "exact", "--protocol", "strict", "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, given)
    assert ended.exit_code == 2
    assert "toy test: 2 mentions; released has 4" in ended.output
    assert "--allow-different" in ended.output

    allowed = CliRunner().invoke(app, [*given, "--allow-different"])
    assert allowed.exit_code == 0
    assert "note: toy test: 2 mentions; released has 4" in allowed.output
    assert "Different from what is published: toy test: 2 mentions" in (tmp_path / "out" / "report.html").read_text()
    sample = CliRunner().invoke(app, [*given, "--sample"])
    assert sample.exit_code == 0
    assert "A small sample stands in for the benchmark." in (tmp_path / "out" / "report.html").read_text()
    assert read_results(tmp_path / "out" / "results.json").run.sample is True


def test_bad_records_end_the_run_or_are_listed(arguments: list[str], tmp_path: Path) -> None:
    with (tmp_path / "corpus" / "test.txt").open("a") as stream:
        stream.write("\nno concept here")
    given = [*arguments, "--predictor", "exact", "--protocol", "strict", "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, given)
    assert ended.exit_code == 2
    assert "test.txt:5: no concept for 'no concept here'" in ended.output
    skipped = CliRunner().invoke(app, [*given, "--skip-bad"])
    assert skipped.exit_code == 0
    assert "note: left out: " in skipped.output
    (bad,) = read_results(tmp_path / "out" / "results.json").run.bad_records
    assert "test.txt:5: no concept" in bad
    assert bad in (tmp_path / "out" / "report.md").read_text()


def test_a_build_is_a_source_with_the_same_rows(
    arguments: list[str], tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--source", str(tmp_path / "corpus"), "--knowledge-base", str(tmp_path / "ontology.safetensors")]
    ended = CliRunner().invoke(app, ["build", "toy", *given, "--out", str(tmp_path / "built")])
    assert ended.exit_code == 0, ended.output
    assert "test.parquet: 4 mentions" in ended.output
    assert "knowledge_base: 3 concepts" in ended.output
    asked = ["--predictor", "tfidf", "--protocol", "angel", "strict"]
    for source, out in ((given, "a"), (["--source", str(tmp_path / "built")], "b")):
        done = CliRunner().invoke(app, ["run", "--benchmark", "toy", *source, *asked, "--out", str(tmp_path / out)])
        assert done.exit_code == 0, done.output
    assert pq.read_table(tmp_path / "a" / "predictions" / "tfidf-angel.parquet").equals(
        pq.read_table(tmp_path / "b" / "predictions" / "tfidf-angel.parquet")
    )

    closed = dataclasses.replace(corpus.benchmark, redistributable=False)
    monkeypatch.setattr(benchmarks, "BENCHMARKS", (closed,))
    pushed = ["build", "toy", *given, "--out", str(tmp_path / "no"), "--push-to-hub", "org/toy"]
    refused = CliRunner().invoke(app, pushed)
    assert refused.exit_code == 2
    assert "Toy may not be redistributed" in refused.output
    assert not (tmp_path / "no").exists()


def test_two_runs_compare_and_stand_on_one_leaderboard(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "runs" / "one"
    given = [*arguments, "--predictor", "exact", "memory", "--protocol", "strict", "--out", str(out)]
    assert CliRunner().invoke(app, given).exit_code == 0
    files = [str(out / "predictions" / f"{name}-strict.parquet") for name in ("memory", "exact")]
    compared = CliRunner().invoke(app, ["compare", *files, "--at", "1", "--by-mention"])
    assert compared.exit_code == 0
    assert "| 1 | 0.0 | 25.0 | +25.00 |" in compared.output
    assert "4 mentions; bootstrap over 4 mentions." in compared.output
    missing = CliRunner().invoke(app, ["compare", files[0], str(tmp_path / "nowhere.parquet")])
    assert missing.exit_code == 2
    assert "nowhere.parquet is not there" in missing.output

    board = CliRunner().invoke(app, ["leaderboard", str(tmp_path / "runs")])
    assert board.exit_code == 0
    assert "## toy, test, protocol strict" in board.output
    rows = [line.split(" | ")[:3] for line in board.output.splitlines() if line.startswith("| ")]
    assert rows[1:] == [["| exact", "released, released", "25.0"], ["| memory", "released, released", "0.0"]]
    assert "<h2>toy, test: protocol strict</h2>" in (tmp_path / "runs" / "leaderboard.html").read_text()
    empty = CliRunner().invoke(app, ["leaderboard", str(tmp_path / "corpus")])
    assert empty.exit_code == 2
    assert "no results.json in it" in empty.output
