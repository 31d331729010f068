"""Fitting the ranking stages: candidates, the best of the grid, what is remembered, and the command line."""

import itertools
import json
import random

import numpy as np
import pytest

from angel_hf import AngelForEntityLinking, Concept, KnowledgeBase, Mention
from angel_hf.ranking.ranker import STAGES
from angel_hf.ranking.ranking import Ranking, Weights
from angel_hf.training import ranking as training
from angel_hf.training.data.corpus import AnnotatedMention
from angel_hf.training.ranking import GRID, Answers, Sources, answers, fit, fit_ranking, main, memory_of, report
from tests.toy import byte_tokenizer, random_model

CONCEPTS = [
    Concept("D1", ("Ataxia", "Old Ataxia"), ("OMIM:1",)),
    Concept("D2", ("Wilson Disease",)),
    Concept("D3", ("Fever", "Q Fever")),
]
KNOWLEDGE_BASE = KnowledgeBase.from_concepts(CONCEPTS)


def annotated(surface, *identifiers, document_id="1"):
    return AnnotatedMention(Mention(surface, 0, len(surface)), identifiers, document_id)


# What is remembered


def test_a_spelling_has_all_its_concepts_the_most_frequent_first():
    given = [
        annotated("Feverish-ness", "D2"),
        annotated("feverish ness", "D3"),
        annotated("FEVERISH NESS", "D3", "OMIM:1"),
        annotated("wd", "D2", "D999"),
        annotated("unheard of", "D999"),
        annotated("\u200b", "D2"),
        annotated("nothing"),
    ]
    memory = memory_of(given, KNOWLEDGE_BASE)
    assert memory.counts == {"feverish ness": {"D2": 1, "D3": 2, "D1": 1}, "wd": {"D2": 1}}
    assert next(iter(memory.counts["feverish ness"])) == "D3"
    assert memory_of([], KNOWLEDGE_BASE).counts == {}


# The best of the grid


def random_answers(name, seed, mentions=25, most=6):
    chance = np.random.default_rng(seed)
    is_candidate = np.arange(most) < chance.integers(1, most + 1, size=(mentions, 1))
    values = -chance.random((mentions, most, len(STAGES))) * [4, 4, 1, 1, 1] * is_candidate[:, :, None]
    return Answers(name, values, is_candidate, (chance.random((mentions, most)) < 0.4) & is_candidate)


def accuracy(given, weights):
    """One mention after the other."""
    counts = (1 - weights.alone, weights.alone, weights.similarity, weights.memory, weights.exact)
    right = 0
    for values, is_candidate, is_right in zip(given.values.tolist(), given.is_candidate, given.is_right):
        scores = [sum(map(float.__mul__, own, counts)) for own, there in zip(values, is_candidate) if there]
        right += bool(is_right[scores.index(max(scores))])
    return 100 * right / len(given.values)


SMALL = {"alone": (0.0, 0.5), "similarity": (0.0, 1.0, 2.0), "memory": (0.0, 2.0), "exact": (0.0, 0.5, 1.0)}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("left_out", ["", *SMALL])
def test_the_weights_are_the_best_of_the_grid_and_of_equal_ones_the_least(monkeypatch, seed, left_out):
    monkeypatch.setattr(training, "GRID", SMALL)
    given = [random_answers("a", seed), random_answers("b", seed + 100, mentions=9)]
    tried = []
    for values in itertools.product(*SMALL.values()):
        weights = dict(zip(SMALL, values))
        if left_out and weights[left_out]:
            continue
        mean = (accuracy(given[0], Weights(**weights)) + accuracy(given[1], Weights(**weights))) / 2
        tried.append((round(mean, 6), -sum(values), weights))
    best, least, weights = max(tried, key=lambda one: one[:2])
    once = max((one for one in tried if not one[2]["alone"]), key=lambda one: one[:2])
    if best - once[0] < 0.5:
        best, least, weights = once
    found = fit(given, left_out)
    fitted = {name: getattr(found, name) for name in SMALL}
    assert fitted in [own for mean, size, own in tried if (mean, size) == (best, least)]


@pytest.mark.parametrize(("needed", "alone"), [(0.5, 0.5), (3.0, 0.5), (3.4, 0.0)])
def test_a_second_search_must_pay(monkeypatch, needed, alone):
    """It answers one of thirty mentions, which is 3.3 points."""
    monkeypatch.setattr(training, "GRID", SMALL)
    monkeypatch.setattr(training, "SECOND_SEARCH", needed)
    values = np.zeros((30, 2, len(STAGES)))
    values[:, 1] = -1.0
    values[0, 0, 1], values[0, 1] = -3.0, [-1.0, 0.0, -1.0, -1.0, -1.0]
    is_right = np.tile([True, False], (30, 1))
    is_right[0] = [False, True]
    values[0, :, 2:] = -1.0
    assert fit([Answers("a", values, np.ones_like(is_right), is_right)]).alone == alone


def test_where_nothing_helps_nothing_counts():
    (values, is_candidate) = np.zeros((3, 2, len(STAGES))), np.ones((3, 2), dtype=bool)
    assert fit([Answers("a", values, is_candidate, is_candidate)]) == Weights()
    assert fit([Answers("a", values, is_candidate, ~is_candidate)]) == Weights()


def test_the_grid_holds_the_published_search():
    assert all(values[0] == 0.0 and list(values) == sorted(values) for values in GRID.values())
    assert list(GRID) == ["alone", "similarity", "memory", "exact"]


def test_the_report_measures_the_search_all_stages_and_each_left_out(monkeypatch):
    monkeypatch.setattr(training, "GRID", SMALL)
    given = [random_answers("a", 1), random_answers("b", 2)]
    fitted = fit(given)
    found = report(given, fitted)
    assert found["mentions"] == {"a": 25, "b": 25}
    assert found["a candidate is right"]["a"] == 100 * sum(map(any, given[0].is_right)) / 25

    def row(weights):
        expected = {one.corpus: pytest.approx(accuracy(one, weights)) for one in given}
        names = ("alone", "similarity", "memory", "exact")
        return {"weights": {name: getattr(weights, name) for name in names}, "accuracy": expected}

    assert found["search"] == row(Weights())
    assert found["all stages"] == row(fitted)
    assert found["left out"] == {name: row(fit(given, name)) for name in SMALL}
    assert all(found["left out"][name]["weights"][name] == 0 for name in SMALL)
    means = {name: np.mean(list(found["left out"][name]["accuracy"].values())) for name in SMALL}
    assert all(mean <= np.mean(list(found["all stages"]["accuracy"].values())) + 1e-9 for mean in means.values())


# The candidates of a corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    model = random_model(byte_tokenizer())
    model.set_knowledge_base(KNOWLEDGE_BASE)
    model.save_pretrained(path)
    return path


@pytest.fixture
def model(folder):
    return AngelForEntityLinking.from_pretrained(folder).eval()


MENTIONS = [
    annotated("old ataxias", "D1"),
    annotated("unheard of", "D999"),
    annotated("wilson", "D2"),
    annotated("wilsons fever", "D3", "D2"),
    annotated("q", "OMIM:1"),
]


@pytest.mark.parametrize("weights", [Weights(), Weights(0.5, 2.0, 1.5, 1.0), Weights(1.0, 0.0, 6.0, 2.0)], ids=str)
def test_accuracy_on_the_grid_is_that_of_linking_with_these_weights(model, weights):
    memory = memory_of([annotated("q", "D2"), annotated("old ataxia gene", "D1")], KNOWLEDGE_BASE)
    given = answers(model, Ranking(Weights(), memory), "toy", MENTIONS)
    assert (given.corpus, len(given.values)) == ("toy", 4)
    model.ranking = Ranking(weights, memory)
    right = [
        not set(linked.best.concept_ids).isdisjoint(one.concept_ids(KNOWLEDGE_BASE))
        for one, linked in zip(MENTIONS, model.link([one.mention for one in MENTIONS]))
        if one.concept_ids(KNOWLEDGE_BASE)
    ]
    assert given.accuracy(weights.of_stages()) == pytest.approx(100 * sum(right) / 4)


def test_a_corpus_that_the_knowledge_base_knows_nothing_of_is_refused_by_name(model):
    with pytest.raises(ValueError, match="toy: none of its 1 mentions has a concept in the knowledge base"):
        answers(model, Ranking(Weights()), "toy", [annotated("unheard of", "D999")])
    with pytest.raises(ValueError, match="toy: none of its 0 mentions"):
        answers(model, Ranking(Weights()), "toy", [])


# Whole


def corpus(path, *documents):
    """Documents of an id, a mention and its concept."""
    rows = (
        f"{number}|t|The {surface} gene.\n{number}|a|None.\n"
        f"{number}\t4\t{4 + len(surface)}\t{surface}\tDisease\t{gold}\n\n"
        for number, surface, gold in documents
    )
    path.write_text("".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def corpora(tmp_path):
    return {
        "dev": corpus(tmp_path / "dev.txt", (1, "wilsonian", "D2"), (2, "feverish", "D3"), (3, "shivers", "D3")),
        "train": corpus(
            tmp_path / "train.txt",
            (1, "of dev", "D1"),
            (4, "shiver", "D3"),
            (5, "of test", "D1"),
            (6, "ataxics", "OMIM:1"),
            (7, "of no one", "D999"),
        ),
        "test": corpus(tmp_path / "test.txt", (5, "of test", "D1"), (8, "unseen", "D2")),
    }


@pytest.fixture
def own(folder, tmp_path):
    AngelForEntityLinking.from_pretrained(folder).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_documents_of_dev_and_of_those_to_forget_are_never_remembered(own, corpora):
    remember = [corpora["train"], corpora["dev"], corpora["test"]]
    found = fit_ranking(own, Sources([corpora["dev"]], remember, [corpora["test"]]), None)
    assert found.memory.counts == {"shiver": {"D3": 1}, "ataxics": {"D1": 1}}
    without = fit_ranking(own, Sources([corpora["dev"]], [corpora["train"]], []), None)
    assert without.memory.counts == {"shiver": {"D3": 1}, "of test": {"D1": 1}, "ataxics": {"D1": 1}}
    assert fit_ranking(own, Sources([corpora["dev"]], [], []), None).memory.counts == {}


def test_a_ranking_that_a_model_has_does_not_change_what_is_fitted(own, corpora):
    first = fit_ranking(own, Sources([corpora["dev"]], [corpora["train"]], []), None)
    assert AngelForEntityLinking.from_pretrained(own).ranking == first
    assert fit_ranking(own, Sources([corpora["dev"]], [corpora["train"]], []), None) == first


def test_the_command_writes_both_files_and_the_report(own, corpora, tmp_path):
    before = {path.name: path.read_bytes() for path in own.iterdir() if path.is_file()}
    arguments = ["--model", own, "--dev", corpora["dev"], corpora["test"], "--remember", corpora["train"]]
    main([str(one) for one in [*arguments, "--without", corpora["test"], "--report", tmp_path / "report.json"]])
    loaded = AngelForEntityLinking.from_pretrained(own).eval()
    assert loaded.ranking.fitted_on == "dev.txt (3), test.txt (2)"
    assert loaded.ranking.memory.counts == {"shiver": {"D3": 1}, "ataxics": {"D1": 1}}
    assert {path.name for path in own.iterdir() if path.is_file()} == {*before, "ranking.json", "memory.jsonl"}
    assert all((own / name).read_bytes() == content for name, content in before.items())
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["mentions"] == {"dev.txt": 3, "test.txt": 2}
    weights = found["all stages"]["weights"]
    assert Weights(**weights) == loaded.ranking.weights
    assert found["all stages"]["accuracy"]["dev.txt"] >= found["search"]["accuracy"]["dev.txt"]
    assert set(found["left out"]) == set(GRID)


def test_fitted_weights_reach_on_dev_what_the_report_says(own, corpora, tmp_path):
    main([str(one) for one in ["--model", own, "--dev", corpora["dev"], "--remember", corpora["train"], "--report",
                               tmp_path / "report.json"]])  # fmt: skip
    loaded = AngelForEntityLinking.from_pretrained(own).eval()
    pairs = [("The wilsonian gene.", "D2"), ("The feverish gene.", "D3"), ("The shivers gene.", "D3")]
    mentions = [Mention(f"{text} None.", 4, text.index(" gene")) for text, _ in pairs]
    right = [gold in linked.best.concept_ids for (_, gold), linked in zip(pairs, loaded.link(mentions), strict=True)]
    said = json.loads((tmp_path / "report.json").read_text())["all stages"]["accuracy"]["dev.txt"]
    assert said == pytest.approx(100 * sum(right) / 3)
    assert sum(right) >= 2, "spelling and memory alone find these"


def test_two_corpora_of_one_name_are_told_apart(own, corpora, tmp_path):
    (tmp_path / "other").mkdir()
    other = corpus(tmp_path / "other" / "dev.txt", (9, "old ataxia", "D1"))
    found = fit_ranking(own, Sources([corpora["dev"], other, corpora["test"]], [], []), tmp_path / "report.json")
    measured = json.loads((tmp_path / "report.json").read_text())
    assert measured["mentions"] == {str(corpora["dev"]): 3, str(other): 1, "test.txt": 2}
    assert found.fitted_on == f"{corpora['dev']} (3), {other} (1), test.txt (2)"


def test_a_tie_of_means_is_not_decided_by_the_last_bits():
    chance = random.Random(0)
    given = [random_answers(str(seed), seed, mentions=chance.choice([3, 7, 9])) for seed in range(3)]
    assert fit(given) == fit(given[::-1])
