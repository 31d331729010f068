"""Packed strings are made of strings, and of other packed ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.arrays.string_packing import join, pack, take
from tests.arrays.test_packed_strings import SPELLED, string_lists


def test_the_bytes_are_utf8_one_after_the_other():
    packed = pack(SPELLED)
    assert packed.data.dtype == np.uint8
    assert packed.data.tobytes() == "".join(SPELLED).encode()
    assert packed.offsets.tolist() == np.cumsum([0, *(len(string.encode()) for string in SPELLED)]).tolist()


@given(string_lists, st.data())
def test_take_gives_the_requested_strings_in_that_order_and_twice(strings, data):
    packed = pack(strings)
    order = data.draw(st.lists(st.integers(0, len(strings) - 1))) if strings else []
    taken = take(packed, np.array(order, dtype=np.int64))
    assert list(taken) == [strings[position] for position in order]
    assert taken.offsets.dtype == np.int64


@given(string_lists, string_lists)
def test_joined_are_the_strings_of_both(first, second):
    joined = join(pack(first), pack(second))
    assert list(joined) == first + second
    assert joined.offsets.dtype == np.int64


def test_what_utf8_cannot_hold_is_an_error():
    with pytest.raises(UnicodeEncodeError):
        pack(["\ud800"])
