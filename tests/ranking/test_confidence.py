"""Confidence: features, the logistic function, thresholds, and the file it is stored in."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.ranking.confidence import Confidence, Features, NilThreshold, concept_shares, features, merge_candidates
from angel_hf.types import Candidate, Linked, Mention

ATAXIA = Candidate("Ataxia", ("D1",), -0.1)
ATAXIAS = Candidate("Ataxias", ("D1", "D9"), -0.5)
GOUT = Candidate("Gout", ("D2",), -2.1)
MENTION = Mention("of ataxia", 3, 9)
CONFIDENCE = Confidence(
    intercept=-1.0,
    weights=Features(logprob=0.5, margin=0.25, mass=2.0, exact=1.0, similarity=0.5),
    thresholds=(NilThreshold(0.9, 0.4, 0.95), NilThreshold(0.95, 0.7, 0.8)),
    fitted_on="hand",
)


def test_features_of_a_hand_made_answer():
    found = features(Linked(MENTION, (ATAXIA, ATAXIAS, GOUT)))
    share = (math.exp(-0.1) + math.exp(-0.5)) / (math.exp(-0.1) + math.exp(-0.5) + math.exp(-2.1))
    assert found == Features(
        logprob=-0.1, margin=pytest.approx(2.0), mass=pytest.approx(share), exact=1.0, similarity=1.0
    )


def test_without_another_concept_the_margin_is_the_largest():
    assert features(Linked(MENTION, (ATAXIA, ATAXIAS))).margin == 5.0
    assert features(Linked(MENTION, (ATAXIA, Candidate("Gout", ("D2",), -90.0)))).margin == 5.0


def test_the_trigrams_of_both_strings():
    # "  wd ": "  w", " wd", "wd "; "  wds ": "  w", " wd", "wds", "ds ". Two in common of 3 + 4.
    found = features(Linked(Mention("WD", 0, 2), (Candidate("WDs", ("D1",), -1.0),)))
    assert (found.exact, found.similarity) == (0.0, pytest.approx(4 / 7))


def test_an_abbreviation_counts_as_what_it_was_read_as():
    linked = Linked(Mention("WD", 0, 2), (Candidate("Wilson disease", ("D1",), -1.0),))
    assert features(linked).exact == 0.0
    assert features(linked, read_as="Wilson-Disease").exact == 1.0


def test_probability_is_the_logistic_function_of_the_weighted_features():
    log_odds = -1.0 + 0.5 * -0.1 + 0.25 * 5.0 + 2.0 * 1.0 + 1.0 + 0.5
    assert CONFIDENCE.probability(Linked(MENTION, (ATAXIA,))) == pytest.approx(1 / (1 + math.exp(-log_odds)))


def test_no_candidate_is_no_confidence():
    assert CONFIDENCE.probability(Linked(MENTION, ())) == 0.0


def test_names_of_one_concept_are_one_candidate():
    assert merge_candidates([ATAXIA, GOUT, ATAXIAS]) == (ATAXIA, GOUT)


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-2000, 0)), min_size=1, max_size=8))
def test_shares_of_concepts_sum_to_one(pairs):
    candidates = [Candidate(f"n{place}", (f"D{concept}",), score) for place, (concept, score) in enumerate(pairs)]
    shares = concept_shares(candidates)
    assert len(shares) == len({concept for concept, _ in pairs})
    assert sum(shares) == pytest.approx(1.0)


def test_thresholds_by_precision():
    assert CONFIDENCE.threshold(0.95) == 0.7
    with pytest.raises(ValueError, match="no threshold for a precision of 0.5; stored are 0.9, 0.95"):
        CONFIDENCE.threshold(0.5)


def test_a_file_gives_back_what_was_saved(tmp_path):
    path = CONFIDENCE.save(tmp_path)
    assert Confidence.load(path) == Confidence.load(tmp_path) == CONFIDENCE


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "other"}', '{"format": "angel-confidence-1"}'])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "confidence.json").write_text(content)
    with pytest.raises(ValueError, match=r"confidence.json: not angel-confidence-1 .* fit it again"):
        Confidence.load(tmp_path)


# Damaged files


def stored(tmp_path, **changes):
    values = json.loads(CONFIDENCE.to_json())
    del values["digest"]
    path = tmp_path / "confidence.json"
    path.write_text(json.dumps(values | changes))
    return path


def test_a_file_from_before_there_were_digests_is_read(tmp_path):
    assert Confidence.load(stored(tmp_path)) == CONFIDENCE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": {"logprob": None}}, "weights.logprob is null; expected a number"),
        ({"intercept": "0.5"}, 'intercept is "0.5"; expected a number'),
        ({"intercept": True}, "intercept is true; expected a number"),
        ({"intercept": 10**400}, "intercept is inf; expected a finite number"),
        ({"intercept": math.nan}, "NaN is no number of JSON"),
        ({"thresholds": [{"precision": "0.9", "confidence": 1, "answered": 1}]}, r"thresholds\[0\].precision is"),
        ({"thresholds": [{"precision": 9, "confidence": 1, "answered": 1}]}, "outside of 0 to 1"),
        ({"thresholds": None}, "expected|not iterable"),
        ({"weights": [1]}, "no attribute"),
        ({"fitted_on": 7}, "fitted_on is no text"),
        ({"another": 7}, "unknown key 'another'"),
    ],
)
def test_values_of_other_kinds_are_refused_at_loading(tmp_path, changes, message):
    with pytest.raises(ValueError, match=f"confidence.json: not angel-confidence-1 .*({message})"):
        Confidence.load(stored(tmp_path, **changes))


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path):
    whole = CONFIDENCE.save(tmp_path).read_bytes()
    path = tmp_path / "confidence.json"
    for position in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
            try:
                found = Confidence.load(path)
            except ValueError:
                continue
            assert found == CONFIDENCE, position
