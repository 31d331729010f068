"""Cosines of trigrams: those of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from angel_hf.ranking.trigrams import TrigramIndex, nearest

NAMES = ["ataxia telangiectasia", "ataxia", "a b", "b", "β thalassemia", "thalassemia beta", "ataxia ataxia", "日本 x"]


def expected(strings, string):
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), lowercase=False)
    vectors = vectorizer.fit_transform(strings)
    return (vectors @ vectorizer.transform([string]).T).toarray()[:, 0]


@pytest.mark.parametrize("string", [*NAMES, "ataxie", "thalassemias β", "z", "", " ", "q\U0001f9ec ataxia", "a"])
def test_cosines_are_those_of_scikit_learn(string):
    np.testing.assert_allclose(TrigramIndex(NAMES).cosines(string), expected(NAMES, string), atol=1e-6)


words = st.text(st.sampled_from("abcß. \U0001f9ec"), min_size=0, max_size=12)


@settings(deadline=None)
@given(st.lists(words, max_size=8), words)
def test_cosines_of_any_strings_are_those_of_scikit_learn(strings, string):
    strings = [*strings, "abc"]  # scikit-learn wants one trigram at least
    np.testing.assert_allclose(TrigramIndex(strings).cosines(string), expected(strings, string), atol=1e-6)


def test_an_index_of_nothing_finds_nothing():
    assert TrigramIndex([]).cosines("ataxia").tolist() == []
    assert TrigramIndex([" "]).cosines("ataxia").tolist() == [0]


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_the_nearest_are_the_highest_and_of_equal_ones_the_first(count):
    cosines = np.array([0.5, 0, 0.9, 0.5, 0.5], dtype=np.float32)
    assert nearest(cosines, count).tolist() == [2, 0, 3, 4][:count]
