"""Stages after the search, on five concepts: every value by hand or by scikit-learn, then their order."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from angel_hf import Concept, KnowledgeBase
from angel_hf.ranking.memory import Memory
from angel_hf.ranking.ranker import STAGES, Found, Part, Ranker
from angel_hf.ranking.ranking import Ranking, Weights
from angel_hf.ranking.subwords import SubwordEncoder

CONCEPTS = [
    Concept("D1", ("Ataxia", "Incoordination"), ("OMIM:1",)),
    Concept("D2", ("Ataxia Telangiectasia", "A-T")),
    Concept("D3", ("Louis-Bar Syndrome", "A-T")),
    Concept("D4", ("Gout",)),
    Concept("D5", ("Wilson Disease", "β-Hepatolenticular Degeneration")),
]
KNOWLEDGE_BASE = KnowledgeBase.from_concepts(CONCEPTS)
NAMES = list(KNOWLEDGE_BASE.entry_names())
MEMORY = Memory({"podagra": {"D4": 2}, "louis bar": {"OMIM:1": 1, "D3": 2, "UNKNOWN": 2}, "ataxias": {"D1": 1}})
NOTHING = Weights()


def entry(name):
    found = KNOWLEDGE_BASE.find(name)
    assert found is not None
    return found


ATAXIA, TELANGIECTASIA, AT, GOUT = map(entry, ("ataxia", "ataxia telangiectasia", "a t", "gout"))
LOUIS_BAR, WILSON = entry("louis bar syndrome"), entry("wilson disease")


def ranker(weights=NOTHING, memory=MEMORY, **options):
    return Ranker(Ranking(weights, memory, **options), KNOWLEDGE_BASE)


def found(surface, in_context=None, alone=None):
    in_context = in_context or {}
    return Found(surface, in_context, in_context if alone is None else alone)


def rows(own, question, part=None):
    """The value of each stage by its name, of each candidate."""
    (got,) = own.values([question], part)
    assert got.entries.dtype == np.int64 and got.values.shape == (len(got.entries), len(STAGES))
    return {one: dict(zip(STAGES, values)) for one, values in zip(got.entries.tolist(), got.values.tolist())}


def column(values, stage):
    return {one: value[stage] for one, value in values.items()}


def cosines(string, strings=NAMES):
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), lowercase=False)
    vectors = vectorizer.fit_transform(strings)
    return (vectors @ vectorizer.transform([string]).T).toarray()[:, 0]


# Values


def test_search_scores_stand_as_they_are_down_to_the_least():
    own = rows(ranker(proposals=0), found("xyz", {GOUT: -0.5, ATAXIA: -9.0}, {AT: -0.25, GOUT: -1.0, WILSON: -5.0}))
    assert column(own, "context") == {GOUT: -0.5, ATAXIA: -4.0, AT: -4.0, WILSON: -4.0}
    assert column(own, "alone") == {GOUT: -1.0, ATAXIA: -4.0, AT: -0.25, WILSON: -4.0}


def test_the_spelling_of_every_candidate_is_a_cosine_of_scikit_learn():
    own = rows(ranker(proposals=3), found("Ataxia-Telangiectasiq", {GOUT: -0.5}))
    expected = cosines("ataxia telangiectasiq")
    assert list(own) == [GOUT, TELANGIECTASIA, ATAXIA], "and then only names that share a trigram"
    assert column(own, "similarity") == pytest.approx({one: expected[one] - 1 for one in own}, abs=1e-6)
    assert own[GOUT]["similarity"] == -1.0


@pytest.mark.parametrize("count", range(5))
def test_the_names_nearest_in_spelling_are_candidates(count):
    own = rows(ranker(memory=Memory(), proposals=count), found("ataxia telangiectasia louis"))
    expected = cosines("ataxia telangiectasia louis")
    nearest = [one for one in np.argsort(-expected, kind="stable") if expected[one] > 0]
    assert len(nearest) == 3
    assert list(own) == nearest[:count]
    assert all((one["context"], one["alone"]) == (-4.0, -4.0) for one in own.values())


def test_a_remembered_concept_has_all_its_names_and_its_preferred_name_is_a_candidate():
    own = rows(ranker(proposals=0), found("Podagra", {ATAXIA: -0.5}))
    assert column(own, "memory") == pytest.approx({ATAXIA: -1.0, GOUT: 0.0}, abs=1e-6)
    similar = cosines("podagras", list(MEMORY.counts))[0]
    assert 0.5 < similar < 1
    assert rows(ranker(proposals=0), found("podagras"))[GOUT]["memory"] == pytest.approx(similar - 1, abs=1e-6)


def test_alternative_ids_are_resolved_in_memory_and_unknown_ones_ignored():
    own = rows(ranker(proposals=0), found("Louis Bar"))
    # D3 twice, OMIM:1 (which is D1) once: half as frequent.
    assert column(own, "memory") == pytest.approx({LOUIS_BAR: 0.0, ATAXIA: -0.5}, abs=1e-6)


def test_concepts_that_two_spellings_remember_have_the_higher_similarity():
    own = rows(ranker(memory=Memory({"gouts": {"D1": 1}, "gouty": {"OMIM:1": 1}}), proposals=0), found("gouty"))
    assert column(own, "memory") == pytest.approx({ATAXIA: 0.0}, abs=1e-6)


def test_a_name_of_several_concepts_has_the_best_of_their_memories():
    own = rows(ranker(memory=Memory({"at": {"D2": 1, "D3": 4}}), proposals=0), found("at", {AT: -0.1}))
    assert column(own, "memory") == pytest.approx({AT: 0.0, TELANGIECTASIA: -0.75, LOUIS_BAR: 0.0}, abs=1e-6)


@pytest.mark.parametrize(
    ("surface", "name"), [("ATAXIA", ATAXIA), ("wilson-disease", WILSON), ("gout.", GOUT), ("Ｇｏｕｔ", GOUT)]
)
def test_a_name_that_is_spelled_as_the_mention_is_exact(surface, name):
    own = rows(ranker(), found(surface, {LOUIS_BAR: -0.1}))
    assert column(own, "exact") == {one: 0.0 if one == name else -1.0 for one in own}


def test_a_name_of_several_concepts_is_never_exact():
    own = rows(ranker(), found("A-T", {AT: -0.1}))
    assert set(column(own, "exact").values()) == {-1.0}


# What may be proposed


def part(*concept_ids):
    return Part(KNOWLEDGE_BASE.entries_of(frozenset(concept_ids)), frozenset(concept_ids))


def test_withheld_names_are_never_proposed():
    whole = rows(ranker(), found("ataxia telangiectasia podagra", {}))
    assert {ATAXIA, TELANGIECTASIA} < set(whole)
    assert set(rows(ranker(), found("ataxia telangiectasia podagra"), part("D1", "D5"))) == {ATAXIA}
    assert set(rows(ranker(), found("podagra"), part("D1"))) == set()
    mask = np.arange(len(NAMES)) != GOUT
    assert GOUT in rows(ranker(), found("podagra"))
    assert GOUT not in rows(ranker(), found("podagra"), Part(mask))


def test_a_name_that_a_withheld_concept_shares_has_nothing_of_its_memory():
    memory = Memory({"at": {"D2": 1}})
    assert rows(ranker(memory=memory), found("at", {AT: -0.1}))[AT]["memory"] == pytest.approx(0.0, abs=1e-6)
    assert rows(ranker(memory=memory), found("at", {AT: -0.1}), part("D3"))[AT]["memory"] == -1.0


def test_a_name_that_only_withheld_concepts_share_is_exact():
    own = rows(ranker(), found("A-T", {AT: -0.1}), part("D3"))
    assert own[AT]["exact"] == 0.0


# Order


def test_without_weights_names_have_their_share_in_what_the_search_says():
    question = found("ataxia", {GOUT: -0.5, ATAXIA: -0.75, AT: -2.0}, {AT: 0.0})
    got = ranker().rank([question])[0]
    assert [one.entry for one in got[:3]] == [GOUT, ATAXIA, AT]
    total = sum(math.exp(value) for value in (-0.5, -0.75, -2.0)) + (len(got) - 3) * math.exp(-4.0)
    expected = [-0.5, -0.75, -2.0] + [-4.0] * (len(got) - 3)
    assert [one.score for one in got] == pytest.approx([value - math.log(total) for value in expected])


def test_of_equal_candidates_the_order_of_the_search_holds():
    scores = {GOUT: -0.5, WILSON: -0.5, AT: -6.0, ATAXIA: -5.0, LOUIS_BAR: -9.0}
    got = ranker(memory=Memory(), proposals=0).rank([found("xyz", scores)])[0]
    assert [one.entry for one in got] == list(scores)
    turned = dict(reversed(scores.items()))
    got = ranker(memory=Memory(), proposals=0).rank([found("xyz", turned)])[0]
    assert [one.entry for one in got] == [WILSON, GOUT, LOUIS_BAR, ATAXIA, AT]


weights = st.builds(Weights, st.floats(0, 1), st.floats(0, 5), st.floats(0, 5), st.floats(0, 5))
scores = st.dictionaries(st.integers(0, len(NAMES) - 1), st.floats(-9, 0), max_size=4)
surfaces = st.sampled_from(["ataxia", "A-T", "podagra", "louis bar", "xyz", "wilson disease gout", "..."])


@settings(deadline=None)
@given(weights, surfaces, scores, scores)
def test_scores_are_shares_by_weighted_sums_highest_first(own_weights, surface, in_context, alone):
    question = Found(surface, in_context, alone)
    own = ranker(own_weights)
    share = own_weights.alone
    counts = dict(zip(STAGES, (1 - share, share, own_weights.similarity, own_weights.memory, own_weights.exact)))
    expected = {
        one: sum(counts[stage] * value for stage, value in values.items())
        for one, values in rows(own, question).items()
    }
    got = own.rank([question])[0]
    highest = max(expected.values(), default=0)
    total = sum(math.exp(value - highest) for value in expected.values())
    shares = {one: value - highest - math.log(total) for one, value in expected.items()}
    assert {one.entry: one.score for one in got} == pytest.approx(shares, abs=1e-9)
    assert [one.score for one in got] == sorted((one.score for one in got), reverse=True)
    assert [one.because for one in got[1:]] == [""] * len(got[1:])
    assert not got or got[0].because in STAGES


def test_what_the_search_finds_best_has_its_context_for_a_reason_whatever_else_agrees():
    everything = Weights(0.5, 3.0, 3.0, 3.0)
    got = ranker(everything).rank([found("gout", {GOUT: -0.5, ATAXIA: -1.0})])[0]
    assert (got[0].entry, got[0].because) == (GOUT, "context")


@pytest.mark.parametrize(
    ("weights", "question", "first"),
    [
        (Weights(alone=0.75), found("xyz", {GOUT: -0.5, WILSON: -1.0}, {WILSON: -0.1, GOUT: -3.0}), WILSON),
        (Weights(similarity=9.0), found("wilsons diseases", {GOUT: -0.5, WILSON: -1.0}), WILSON),
        (Weights(memory=9.0), found("podagra", {WILSON: -0.5}), GOUT),
        (Weights(exact=9.0), found("gout", {WILSON: -0.5, GOUT: -1.0}), GOUT),
    ],
    ids=("alone", "similarity", "memory", "exact"),
)
def test_the_stage_that_brought_a_name_to_the_front_is_its_reason(weights, question, first, request):
    stage = request.node.callspec.id
    got = ranker(weights).rank([question])[0]
    assert (got[0].entry, got[0].because) == (first, stage)
    assert [one.because for one in got[1:]] == [""] * (len(got) - 1)
    without = ranker(dataclasses.replace(weights, **{stage: 0.0})).rank([question])[0]
    assert without[0].entry != first, "nor would it be there without it"


def test_of_several_stages_the_one_that_counts_most_is_the_reason():
    question = found("gout", {WILSON: -0.5, GOUT: -1.0})
    for names, expected in (
        ({"exact": 5.0, "similarity": 3.0}, "exact"),
        ({"exact": 3.0, "similarity": 5.0}, "similarity"),
    ):
        assert ranker(Weights(**names)).rank([question])[0][0].because == expected


# Little to go by


def test_nothing_found_and_nothing_near_is_no_candidate():
    assert ranker().rank([found("xyz")])[0] == []
    assert ranker(Weights(0.5, 1, 1, 1), proposals=0, neighbours=0).rank([found("ataxia")])[0] == []


@pytest.mark.parametrize(
    ("weights", "surface", "first", "because"),
    [
        (Weights(0.5, 2.0, 1.0, 1.0), "gout", GOUT, "similarity"),
        (Weights(0.5, 1.0, 1.0, 2.0), "gout", GOUT, "exact"),
        (Weights(0.5, 1.0, 2.0, 1.0), "podagra", GOUT, "memory"),
        (NOTHING, "gouts", GOUT, "similarity"),
        (NOTHING, "podagra", GOUT, "memory"),
    ],
)
def test_what_the_search_did_not_find_is_ranked_for_another_reason(weights, surface, first, because):
    got = ranker(weights).rank([found(surface)])[0]
    assert (got[0].entry, got[0].because) == (first, because)


@pytest.mark.parametrize("surface", ["...", "\u200b", "β", "x" * 100_000, "ataxia " * 20_000, "\x00", "日本"])
def test_any_mention_is_ranked(surface):
    got = ranker(Weights(0.5, 1.0, 1.0, 1.0)).rank([found(surface, {GOUT: -0.5})])[0]
    assert GOUT in [one.entry for one in got]
    assert all(-8.0 <= one.score <= 0.0 for one in got)


def test_two_knowledge_bases_have_indexes_of_their_own():
    other = KnowledgeBase.from_names({"X": ["gouty arthritis"]})
    assert Ranker(Ranking(NOTHING, MEMORY), other).rank([found("gout")])[0][0].entry == 0
    assert [one.entry for one in ranker().rank([found("gout")])[0]] == [GOUT]


# An encoder in place of trigrams


def test_with_an_encoder_names_and_memory_are_compared_by_its_vectors():
    encoder = SubwordEncoder.of_vectors(np.random.default_rng(3).normal(size=(512, 16)).astype(np.float32))
    question = found("ataxias telangiectasia", {GOUT: -0.5})
    own = rows(ranker(encoder=encoder, proposals=2, neighbours=1), question)

    def by_hand(strings):
        kept = encoder.encode(strings).astype(np.float16).astype(np.float64)
        return kept @ encoder.encode(["ataxias telangiectasia"])[0]

    expected, (memory,) = by_hand(NAMES), by_hand(["ataxias"])
    assert set(np.argsort(-expected)[:2]) <= set(own) and {GOUT, ATAXIA} <= set(own)
    similarity = {one: max(expected[one], 0) - 1 for one in own}
    assert column(own, "similarity") == pytest.approx(similarity, abs=1e-9)
    assert own[ATAXIA]["memory"] == pytest.approx(memory - 1, abs=1e-9)
    assert similarity != pytest.approx(column(rows(ranker(), question), "similarity"), abs=0.01)


def test_answers_to_many_mentions_are_those_to_each_alone():
    encoder = SubwordEncoder.of_vectors(np.random.default_rng(3).normal(size=(512, 16)).astype(np.float32))
    questions = [found(surface, {GOUT: -0.5}) for surface in ("ataxia", "A-T", "podagra", "xyz", "louis bar") * 30]
    for own in (ranker(Weights(0, 3, 2, 1)), ranker(Weights(0, 3, 2, 1), encoder=encoder)):
        assert own.rank(questions) == [own.rank([question])[0] for question in questions]
    assert ranker().rank([]) == []


# What a user told


@pytest.mark.parametrize("weights", [NOTHING, Weights(0.5, 20.0, 10.0, 4.0)])
def test_what_was_told_comes_first_whatever_else_is_known(weights):
    told = MEMORY.with_mentions([("Wilson-Disease", ("OMIM:1", "D3"))])
    question = found("wilson disease", {WILSON: -0.1, AT: -1.0})
    before = ranker(weights).rank([question])[0]
    got = ranker(weights, told).rank([question])[0]
    is_told = [not {"D1", "D3"}.isdisjoint(KNOWLEDGE_BASE.entry_concept_ids(one.entry)) for one in got]
    assert is_told == sorted(is_told, reverse=True) and sum(is_told) >= 3, "D1 by another id, D3, and a name it shares"
    assert (before[0].entry, got[0].because) == (WILSON, "memory")
    assert [one.score for one in got] == sorted((one.score for one in got), reverse=True)
    like_it = found("wilson diseases", {WILSON: -0.1, AT: -1.0})
    assert ranker(NOTHING, told).rank([like_it])[0][0].entry == WILSON


def test_what_was_told_of_withheld_or_unknown_concepts_changes_nothing():
    question = found("wilson disease", {WILSON: -0.1})
    told = Memory({"wilson disease": {"D4": 1}}, ["wilson disease"])
    assert ranker(memory=told).rank([question])[0][0].entry == GOUT
    assert ranker(memory=told).rank([question], part("D5"))[0][0].entry == WILSON
    unknown = Memory({"wilson disease": {"X": 1}}, ["wilson disease"])
    assert ranker(memory=unknown).rank([question])[0] == ranker(memory=Memory()).rank([question])[0]
