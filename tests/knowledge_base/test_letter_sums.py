"""Spellings of one form share a sum, of which a few strings among many are found without a look at the others."""

import numpy as np
import pytest

from angel_hf.arrays.string_packing import pack
from angel_hf.knowledge_base.letter_sums import letter_sums
from angel_hf.text.reading import NORMALIZATIONS, normalize


def test_spellings_of_one_form_have_one_sum_and_others_another():
    spellings = ["Ataxia, Louis-Bar's", "ataxia louis bar s", " ATAXIA (louis/bar) S\t", "", "...", "ataxia louis baa"]
    sums, is_ascii = letter_sums(pack(spellings))
    assert len(set(sums[:3].tolist())) == 1
    assert sums[3] == sums[4] == 0
    assert len(set(sums.tolist())) == 3
    assert is_ascii.all()


def test_strings_beyond_ascii_are_reported():
    _, is_ascii = letter_sums(pack(["Sjögren", "Sjogren", "\N{KELVIN SIGN}", ""]))
    assert is_ascii.tolist() == [False, True, False, True]


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_whatever_normalises_alike_has_one_sum(normalization):
    """Random strings of all of ASCII, and their forms."""
    generator = np.random.default_rng(1)
    names = ["".join(map(chr, generator.integers(1, 128, size))) for size in generator.integers(0, 40, 70_000)]
    forms = [normalize(name, normalization) for name in names]
    sums, is_ascii = letter_sums(pack(names))
    of_forms, _ = letter_sums(pack(forms))
    assert is_ascii.all()
    assert np.array_equal(sums, of_forms)
