import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from angel_hf import KnowledgeBase
from eval_harness import benchmarks
from eval_harness.benchmark import Benchmark, sha256
from eval_harness.cli import app
from eval_harness.result_file import PREDICTION_SCHEMA


@pytest.fixture
def arguments(
    corpus: tuple[Benchmark, Path], knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    benchmark, source = corpus
    monkeypatch.setattr(benchmarks, "BENCHMARKS", (benchmark,))
    file = knowledge_base.save(tmp_path / "ontology.safetensors")
    return ["run", "--benchmark", "toy", "--source", str(source), "--knowledge-base", str(file)]


def test_a_run_writes_results_and_predictions_and_prints_a_table(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    predictors = ["--predictor", "exact", "memory", "--protocol", "strict", "angel"]
    ended = CliRunner().invoke(app, [*arguments, *predictors, "--out", str(out)])
    assert ended.exit_code == 0, ended.output
    assert sorted(path.name for path in out.rglob("*.*")) == [
        "exact-angel.parquet",
        "exact-strict.parquet",
        "memory-angel.parquet",
        "memory-strict.parquet",
        "results.json",
    ]

    document = json.loads((out / "results.json").read_text())
    assert (document["benchmark"], document["split"], document["model"]) == ("toy", "test", None)
    assert document["data_sha256"]["test.txt"] == sha256(tmp_path / "corpus" / "test.txt")
    assert set(document["data_sha256"]) == {"train.txt", "dev.txt", "test.txt"}
    assert {"python", "torch", "transformers"} <= set(document["versions"])
    accuracy = {(one["protocol"]["name"], one["predictor"]): one["accuracy_at_1"] for one in document["results"]}
    # strict: `cold` stands for the common cold only; `coryza` is right, and two have no answer.
    assert accuracy[("strict", "exact")] == 25.0
    # angel: `cold` counts for both concepts, and `nasal catarrh` is a name from dev.
    assert accuracy[("angel", "exact")] == 75.0
    assert accuracy[("angel", "memory")] == 25.0
    assert document["results"][0]["protocol"]["concepts_of_a_name"] == "one"

    table = [line.split()[:5] for line in ended.stdout.splitlines()]
    assert ["angel", "exact", "4", "1", "75.0"] in table

    predictions = pq.read_table(out / "predictions" / "exact-angel.parquet")
    assert predictions.schema.equals(PREDICTION_SCHEMA)
    assert predictions["rank"].to_pylist() == [1, 1, 1, None]
    assert predictions["candidates"][0].as_py()[0]["concept_ids"] == ["D029424", "D003139"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--predictor", "psychic", "--protocol", "strict"], "'psychic'; expected one of exact, memory, tfidf, angel"),
        (["--predictor", "exact", "--protocol", "kind"], "'kind'; expected one of angel, lenient, strict"),
        (["--predictor", "exact", "--protocol", "strict", "--split", "half"], "toy has no split 'half'"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    arguments: list[str], tmp_path: Path, changed: list[str], message: str
) -> None:
    ended = CliRunner().invoke(app, [*arguments, *changed, "--out", str(tmp_path / "out")])
    assert ended.exit_code == 2
    assert message in ended.output
    assert not (tmp_path / "out").exists()


def test_a_corpus_of_another_size_ends_the_run(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "corpus" / "test.txt").write_text("cold|D003139")
    given = [*arguments, "--predictor", "exact", "--protocol", "strict", "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, given)
    assert ended.exit_code == 2
    assert "holds 1 mentions; toy test as released has 4" in ended.output
