"""The nearest vectors, against all of them sorted in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf.ranking import vectors
from angel_hf.ranking.subwords import SubwordEncoder
from angel_hf.ranking.vectors import VectorIndex

ENCODER = SubwordEncoder.of_vectors(np.random.default_rng(2).normal(size=(4096, 16)).astype(np.float32))
STRINGS = [
    f"{kind} of {organ} {number}" for kind in ("cancer", "pain", "gout") for organ in "abc" for number in range(9)
]
INDEX = VectorIndex(ENCODER, STRINGS)


def cosines(string, strings):
    kept = ENCODER.encode(strings).astype(np.float16).astype(np.float64)
    # Half precision makes some vectors a little longer than 1.
    return np.minimum((kept * ENCODER.encode([string])[0].astype(np.float64)).sum(axis=1), 1)


def brute(string, count, allowed=None):
    found = cosines(string, STRINGS)
    places = [one for one in np.argsort(-found, kind="stable") if found[one] > 0 and (allowed is None or allowed[one])]
    return places[:count]


QUERIES = ["cancer of a 3", "gout", "pains b", "xyz", "cancer cancer", STRINGS[0]]


@pytest.mark.parametrize("count", [0, 1, 3, 20, 200])
@pytest.mark.parametrize("string", QUERIES)
def test_the_nearest_are_those_of_all_sorted(string, count):
    (compared,) = INDEX.compare([string])
    assert compared.nearest(count).tolist() == brute(string, count)
    allowed = np.arange(len(STRINGS)) % 3 == 1
    assert compared.nearest(count, allowed).tolist() == brute(string, count, allowed)


@pytest.mark.parametrize("string", QUERIES)
def test_cosines_are_those_of_the_encoder(string):
    (compared,) = INDEX.compare([string])
    places = np.array([5, 0, 80, 5])
    np.testing.assert_allclose(compared.cosines(places), cosines(string, STRINGS)[places], atol=1e-12)
    assert compared.cosines(np.array([], dtype=np.int64)).shape == (0,)


def test_of_equal_strings_the_first_comes_first():
    (compared,) = VectorIndex(ENCODER, ["gout", "pain", "gout", "gout"]).compare(["gout"])
    assert compared.nearest(3).tolist() == [0, 2, 3]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(QUERIES), min_size=1, max_size=150), st.randoms())
def test_a_string_is_compared_as_it_would_be_alone(strings, rng):
    places = np.array(rng.sample(range(len(STRINGS)), 10))
    for string, compared in zip(strings, INDEX.compare(strings), strict=True):
        (alone,) = INDEX.compare([string])
        assert (compared.nearest(7) == alone.nearest(7)).all()
        assert (compared.cosines(places) == alone.cosines(places)).all()
        assert (compared.cosines(places[:1]) == alone.cosines(places)[:1]).all()


def test_nothing_is_near_an_empty_string_or_in_an_empty_index():
    (compared,) = INDEX.compare([""])
    assert compared.nearest(5).tolist() == []
    (compared,) = VectorIndex(ENCODER, []).compare(["gout"])
    assert compared.nearest(5).tolist() == []
    assert list(INDEX.compare([])) == []


def test_more_strings_than_are_multiplied_at_once():
    strings = [f"name {number}" for number in range(20_000)]
    (compared,) = VectorIndex(ENCODER, strings).compare(["name 17000"])
    assert compared.nearest(1).tolist() == [17_000]


def test_many_vectors_in_half_precision_are_the_same_numbers(monkeypatch):
    monkeypatch.setattr(vectors, "_MOST_IN_SINGLE", 0)
    half = VectorIndex(ENCODER, STRINGS)
    for string, ours, theirs in zip(QUERIES, half.compare(QUERIES), INDEX.compare(QUERIES), strict=True):
        assert (ours.vectors.dtype, theirs.vectors.dtype) == (np.float16, np.float32)
        places = np.arange(len(STRINGS))
        assert (ours.cosines(places) == theirs.cosines(places)).all(), string
        assert (ours.nearest(20) == theirs.nearest(20)).all()
