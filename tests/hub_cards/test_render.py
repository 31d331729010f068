"""Rendered cards, whole; their metadata by the Hub's own rules; and no number that no file holds."""

import json
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard, EvalResultEntry, ModelCard, SpaceCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from angel_hf.withheld_names import WithheldNames
from hub_cards.evaluation import read_evaluation
from hub_cards.facts import read_facts
from hub_cards.render import (
    Column,
    ModelFigures,
    Split,
    adapter_card,
    dataset_card,
    eval_results_files,
    model_card,
    space_card,
)
from tests.hub_routes import card_problems

EXPECTED = Path(__file__).parent / "expected"
FIGURES = ModelFigures(concepts=1234, names=56789, parameters=2345678)
WITHHELD = WithheldNames(
    "UMLS", "2023AB", "its licence forbids it", "https://umls.example", "as-is", "0", ("C0000001",)
)


@pytest.fixture
def facts(facts_file):
    return read_facts(facts_file)


@pytest.fixture
def evaluation(results_file):
    return read_evaluation(results_file)


@pytest.fixture
def cards(facts, evaluation):
    splits = (Split("default", "train", 1200), Split("default", "test", 34))
    configs = [{"config_name": "default", "data_files": [{"split": "train", "path": "train.parquet"}]}]
    columns = (Column("text", "string"), Column("gold_concepts", "list<element: string>"))
    return {
        "model": model_card("org/angel-test", facts, FIGURES, (evaluation,), None),
        "model_withheld": model_card("org/angel-test", facts, FIGURES, (), WITHHELD),
        "adapter": adapter_card("org/lora", facts, "org/base", "abc123", 4096, (evaluation,)),
        "dataset": dataset_card("org/pairs", facts, splits, columns, configs),
        "space": space_card(facts, "6.31.0", "app.py", ("org/angel-test",), ("demo",)),
    }


@pytest.mark.parametrize("name", ["model", "model_withheld", "adapter", "dataset", "space"])
def test_the_whole_card(cards, name):
    """To change the expected text: write what comes out, and read it before it is committed."""
    assert cards[name] == (EXPECTED / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("model", ModelCard), ("model_withheld", ModelCard), ("adapter", ModelCard), ("dataset", DatasetCard),
     ("space", SpaceCard)],
)  # fmt: skip
def test_the_metadata_are_what_the_hub_reads(cards, name, kind):
    card = kind(cards[name], ignore_metadata_errors=False)
    assert card.data.license == "apache-2.0"
    assert card_problems(card.data.to_dict()) == []


def test_the_model_index_holds_the_model_s_own_results(cards, evaluation):
    metadata = yaml.safe_load(cards["model"].split("---\n")[1])
    name, results = model_index_to_eval_results(metadata["model-index"])
    assert name == "angel-test"
    found = {(one.dataset_config, one.metric_name): one.metric_value for one in results}
    own = [score for score in evaluation.scores if score.predictor == "angel"]
    assert found == {
        (score.protocol, f"Accuracy at {k}"): value for score in own for k, value in ((1, score.at_1), (5, score.at_5))
    }
    assert {one.dataset_type for one in results} == {"org/ncbi-disease"}


def test_results_of_benchmarks_on_the_hub_go_to_its_leaderboards(facts, evaluation):
    files = eval_results_files(facts, (evaluation,))
    assert list(files) == [".eval_results/ncbi-test.yaml"]
    entries = yaml.safe_load(files[".eval_results/ncbi-test.yaml"])
    assert [entry["value"] for entry in entries] == [88.5417, 80.4167]
    assert {entry["dataset"]["id"] for entry in entries} == {"org/ncbi-disease"}
    assert EvalResultEntry(dataset_id="org/ncbi-disease", task_id="test", value=1.0)


def numbers(text):
    return {number.replace(",", "") for number in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text)}


def test_a_card_states_no_number_that_no_file_holds(cards, facts_file, results_file):
    rounded = set()
    for row in json.loads(results_file.read_text())["results"]:
        values = [row["accuracy_at_1"], row["accuracy_at_5"], *(row["accuracy_at_1_interval"] or [])]
        rounded |= {f"{value:.1f}" for value in values} | {str(row["mentions"])}
    known = rounded | numbers(results_file.read_text()) | numbers(facts_file.read_text())
    known |= {str(FIGURES.concepts), str(FIGURES.names), str(FIGURES.parameters), "95"}
    body = cards["model"].split("---\n", 2)[2]
    body = body.replace("arXiv 2408.16493", "").replace("abs/2408.16493", "").replace("arXiv:2408.16493", "")
    body = re.sub(r"accuracy at [15]|Accuracy at [15]|top_k=5|CO2|year    = \{2024\}", "", body)
    offsets = {str(offset) for offset in (10, 16)}  # of the mention in the example
    assert numbers(body) - known - offsets == set()


def test_without_results_the_card_says_so_and_has_no_index(cards):
    assert "No evaluation was published with this model." in cards["model_withheld"]
    assert "model-index" not in cards["model_withheld"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("titel = 'x'", r"unknown key 'titel'; expected one of title, .* \(did you mean 'title'\?\)"),
        ("[training]\nrecipe = 'x'", "not TOML"),
        ("[trainin]\nrecipe = 'x'", r"unknown key 'trainin'; .* \(did you mean 'training'\?\)"),
    ],
)
def test_facts_that_are_wrong_are_refused(facts_file, change, message):
    text = facts_file.read_text()
    facts_file.write_text(f"{change}\n{text}" if "=" in change.split("\n")[0] else f"{text}\n{change}")
    with pytest.raises(ValueError, match=message):
        read_facts(facts_file)


def test_facts_that_are_missing_are_named(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text("title = 'x'\n[knowledge_base]\nname = 'x'\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"\[knowledge_base\]: has no version and no license and no url"):
        read_facts(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "not results of `angel-eval run`"), ('{"format": "x"}', "format 'x'; expected one of"),
     ('{"format": "angel-eval-results-2"}', "'benchmark'"), ("[]", "not results")],
)  # fmt: skip
def test_results_that_are_wrong_are_refused(tmp_path, content, message):
    path = tmp_path / "results.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_evaluation(path)
