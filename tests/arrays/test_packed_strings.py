"""Packed strings are the list of strings that they were made from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.arrays.string_packing import pack

SPELLED = ["ataxia", "", "β-thalassémie", "e\u0301", "é", "癌", "🧬", "𝛼-synuclein", "a\x00b"]
string_lists = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=12)


@given(string_lists)
def test_equal_to_the_list(strings):
    packed = pack(strings)
    assert len(packed) == len(strings)
    assert list(packed) == strings
    assert [packed[position] for position in range(len(strings))] == strings
    assert [packed[position] for position in range(-len(strings), 0)] == strings
    assert packed[1:] == strings[1:]
    assert packed[::-2] == strings[::-2]


def test_more_strings_than_one_block_of_bytes():
    strings = [str(number) for number in range(70_000)]
    packed = pack(strings)
    assert list(packed) == strings
    assert packed[65_535:65_538] == ["65535", "65536", "65537"]


def test_it_is_a_sequence():
    packed = pack(SPELLED)
    assert "癌" in packed and "cancer" not in packed
    assert packed.index("é") == 4
    assert list(reversed(packed)) == SPELLED[::-1]
    assert packed[np.int64(2)] == SPELLED[2]


@pytest.mark.parametrize("position", [2, -3])
def test_a_position_outside_is_an_index_error(position):
    with pytest.raises(IndexError, match=f"string {position} of 2"):
        pack(["a", "b"])[position]
