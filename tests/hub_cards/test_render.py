"""Rendered cards, whole; their metadata by the Hub's own rules; and no number that no file holds."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard, EvalResultEntry, ModelCard, SpaceCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from transformers.pipelines import SUPPORTED_TASKS

from angel_hf.knowledge_base.withheld_names import WithheldNames
from angel_hf.ranking.confidence import Confidence, Features, NilThreshold
from hub_cards.evaluation import read_evaluation
from hub_cards.facts import Vocabulary, read_facts
from hub_cards.render import (
    CITATION,
    Column,
    ModelFigures,
    Split,
    adapter_card,
    dataset_card,
    eval_results_files,
    model_card,
    space_card,
)
from tests.hub_clients import ROOT
from tests.hub_routes import card_problems

EXPECTED = Path(__file__).parent / "expected"
FIGURES = ModelFigures(concepts=1234, names=56789, parameters=2345678)
UMLS = Vocabulary("UMLS", "2023AB", "UMLS licence", "https://umls.example")
WITHHELD = WithheldNames(
    "UMLS", "2023AB", "its licence forbids it", "https://umls.example", "as-is", "0", ("C0000001",)
)
CONFIDENCE = Confidence(
    0.5, Features(1.0, 1.0, 1.0, 1.0, 1.0), (NilThreshold(0.9, 0.6789, 0.8125),), "ncbi, dev, 787 mentions"
)
CARDS = {
    "model": ModelCard, "model_withheld": ModelCard, "adapter": ModelCard, "benchmark": DatasetCard,
    "pairs": DatasetCard, "pairs_withheld": DatasetCard, "space": SpaceCard,
}  # fmt: skip


@pytest.fixture
def facts(facts_file):
    return read_facts(facts_file)


@pytest.fixture
def evaluation(results_file):
    return read_evaluation(results_file)


def columns(**types):
    return tuple(Column(name, type_) for name, type_ in types.items())


@pytest.fixture
def cards(facts, evaluation):
    splits = (Split("default", "train", 1200), Split("default", "test", 34))
    configs = [{"config_name": "default", "data_files": [{"split": "train", "path": "train.parquet"}]}]
    benchmark = columns(text="string", start="int32", end="int32", gold="list<element: list<element: string>>")
    pairs = columns(text="string", chosen="string", rejected="string", gold_concepts="list<element: string>")
    left = tuple(column for column in pairs if column.name not in ("chosen", "rejected"))
    made_of_umls = dataclasses.replace(facts, knowledge_base=UMLS)
    return {
        "model": model_card("org/angel-test", facts, FIGURES, (evaluation,), None, CONFIDENCE),
        "model_withheld": model_card("org/angel-test", made_of_umls, FIGURES, (), WITHHELD),
        "adapter": adapter_card("org/lora", facts, "org/base", "abc123", 4096, (evaluation,)),
        "benchmark": dataset_card("org/ncbi-disease", facts, splits, benchmark, configs),
        "pairs": dataset_card("org/pairs", dataclasses.replace(facts, citation=""), splits, pairs, configs),
        "pairs_withheld": dataset_card(
            "org/pairs", made_of_umls, splits, left, configs, ("chosen", "rejected"), "its licence forbids it"
        ),
        "space": space_card(facts, "6.31.0", "app.py", ("org/angel-test",), ("demo",)),
    }


@pytest.mark.parametrize("name", CARDS)
def test_the_whole_card(cards, name):
    """To change the expected text: write what comes out, and read it before it is committed."""
    assert cards[name] == (EXPECTED / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CARDS)
def test_the_metadata_are_what_the_hub_reads(cards, name):
    card = CARDS[name](cards[name], ignore_metadata_errors=False)
    assert card.data.license == "apache-2.0"
    assert card_problems(card.data.to_dict()) == []


def test_the_task_is_one_that_transformers_knows(cards):
    """A model card's task decides in which list of the Hub it stands."""
    assert ModelCard(cards["model"]).data.pipeline_tag in SUPPORTED_TASKS


def test_the_model_index_holds_the_model_s_own_results(cards, evaluation):
    metadata = yaml.safe_load(cards["model"].split("---\n")[1])
    name, results = model_index_to_eval_results(metadata["model-index"])
    assert name == "angel-test"
    found = {(one.dataset_config, one.metric_name): one.metric_value for one in results}
    own = [score for score in evaluation.scores if score.predictor == "angel"]
    assert found == {
        (f"released-{score.protocol}", f"Accuracy at {k}"): value
        for score in own
        for k, value in ((1, score.at_1), (5, score.at_5))
    }
    assert {one.dataset_type for one in results} == {"org/ncbi-disease"}


def test_results_of_benchmarks_on_the_hub_go_to_its_leaderboards(facts, evaluation):
    files = eval_results_files(facts, (evaluation,))
    assert list(files) == [".eval_results/ncbi-test-released.yaml"]
    entries = yaml.safe_load(files[".eval_results/ncbi-test-released.yaml"])
    assert [entry["dataset"]["task_id"] for entry in entries] == ["test-released-angel", "test-released-strict"]
    assert [entry["value"] for entry in entries] == [88.5417, 80.4167]
    assert {entry["dataset"]["id"] for entry in entries} == {"org/ncbi-disease"}
    assert EvalResultEntry(dataset_id="org/ncbi-disease", task_id="test", value=1.0)


def test_results_on_two_forms_of_the_texts_stay_apart(facts, results_file, evaluation):
    results_file.write_text(results_file.read_text().replace('"text": "released"', '"text": "published"'))
    both = (evaluation, read_evaluation(results_file))
    assert len(eval_results_files(facts, both)) == 2
    card = ModelCard(model_card("org/angel-test", facts, FIGURES, both, None))
    assert len({(one.dataset_config, one.metric_name) for one in card.data.eval_results}) == 8
    assert "### ncbi, test, text released" in card.text
    assert "### ncbi, test, text published" in card.text


@pytest.mark.parametrize("path", sorted((ROOT / "results").glob("*/results.json")), ids=lambda path: path.parent.name)
def test_the_results_of_the_harness_go_onto_a_card_as_they_are(facts, path):
    """Those that this project publishes: every accuracy and interval, floors beside the model."""
    card = model_card("org/angel-test", facts, FIGURES, (read_evaluation(path),), None)
    rows = json.loads(path.read_text(encoding="utf-8"))["results"]
    assert {"exact", "memory", "angel"} <= {row["predictor"] for row in rows}
    for row in rows:
        low, high = row["accuracy_at_1_interval"]
        at_1, at_5 = row["accuracy_at_1"], row["accuracy_at_5"]
        assert f"| {row['mentions']:,} | {at_1:.1f} | {low:.1f} to {high:.1f} | {at_5:.1f} |" in card


def test_data_that_differ_from_those_published_are_named(facts, results_file):
    results_file.write_text(
        results_file.read_text().replace('"differences": []', '"differences": ["12 mentions less"]')
    )
    card = model_card("org/angel-test", facts, FIGURES, (read_evaluation(results_file),), None)
    assert "Different from the data as published: 12 mentions less." in card


def numbers(text):
    return {number.replace(",", "") for number in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text)}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_states_no_number_that_no_file_holds(cards, facts_file, results_file, name):
    known = numbers(results_file.read_text()) | numbers(facts_file.read_text())
    for row in json.loads(results_file.read_text())["results"]:
        values = [row["accuracy_at_1"], row["accuracy_at_5"], *(row["accuracy_at_1_interval"] or [])]
        known |= {f"{value:.1f}" for value in values}
    (threshold,) = CONFIDENCE.thresholds
    known |= {f"{100 * threshold.precision:g}", f"{threshold.confidence:.3f}", f"{100 * threshold.answered:.1f}"}
    counted = {"model": (1234, 56789, 2345678, 787), "model_withheld": (1234, 56789, 2345678), "adapter": (4096,)}
    known |= {str(number) for number in counted.get(name, (1200, 34))}
    known |= {"95"}  # the level of the intervals, 0.95 in the file
    body = cards[name].split("---\n", 2)[2].replace(CITATION, "")
    for words in ("arXiv 2408.16493", "abs/2408.16493", "2023AB", "CO2", "top_k=5"):
        body = body.replace(words, "")
    body = re.sub(r"[Aa]ccuracy at [15]|Mention\(text, 10, 16\)|from 0", "", body)
    assert numbers(body) - known == set()


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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('notes = "Made for tests."', "notes = 3", "card.toml: notes is 3; expected a string"),
        ("hours = 0.75", "hours = 'long'", r"\[training\]: hours is 'long'; expected a number, 0 or more"),
        ("hours = 0.75", "hours = nan", "hours is nan; expected a number, 0 or more"),
        ("hours = 0.75", "hours = true", "hours is True; expected a number, 0 or more"),
        ('["A case of [[ataxia]]."]', "[]", r"examples is \[\]; expected a list of texts"),
        ('["A case of [[ataxia]]."]', "'x'", "examples is 'x'; expected a list of texts"),
        ('["A case of [[ataxia]]."]', "['x']", "card.toml: examples: no mention is marked in 'x'"),
        ('ncbi = "org/ncbi-disease"', "ncbi = 3", "datasets is {'ncbi': 3}; expected a table of strings"),
    ],
)
def test_facts_of_another_type_are_refused(facts_file, old, new, message):
    assert old in facts_file.read_text()
    facts_file.write_text(facts_file.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_facts(facts_file)


def test_a_word_where_a_table_belongs_is_refused(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text("title = 'x'\nlicense = 'x'\nknowledge_base = 'MEDIC'\ntraining = 'long'\n", encoding="utf-8")
    with pytest.raises(ValueError, match="card.toml: knowledge_base is 'MEDIC'; expected a table"):
        read_facts(path)


def test_facts_that_are_missing_are_named(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text("title = 'x'\n[knowledge_base]\nname = 'x'\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"\[knowledge_base\]: has no version and no license and no url"):
        read_facts(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "not results of `angel-eval run`"), ('{"format": "x"}', "format 'x'; expected one of"),
     ('{"format": "angel-eval-results-2"}', "'benchmark'"), ("[]", "not results"),
     ('{"format": "angel-eval-results-2", "sample": true}', "measured on a sample, which says nothing about")],
)  # fmt: skip
def test_results_that_are_wrong_are_refused(tmp_path, content, message):
    path = tmp_path / "results.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_evaluation(path)
