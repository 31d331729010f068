"""Distinct strings are found without an object for each: as by a dict, whatever their hashes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.arrays import string_collector
from angel_hf.arrays.string_collector import StringCollector

string_lists = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=30)


def assert_distinct_as_in_a_dict(strings: list[str]) -> None:
    collector = StringCollector()
    half = len(strings) // 2
    collector.add(strings[:half])
    collector.add(iter(strings[half:]))
    assert len(collector) == len(strings)
    distinct, first, which = collector.distinct()
    numbers = {string: number for number, string in enumerate(dict.fromkeys(strings))}
    assert list(distinct) == list(numbers)
    assert first.tolist() == [strings.index(string) for string in numbers]
    assert which.tolist() == [numbers[string] for string in strings]


@given(string_lists)
def test_equal_strings_are_found(strings):
    assert_distinct_as_in_a_dict(strings)


@pytest.mark.parametrize("poor_hash", [len, lambda string: 7, lambda string: -sum(map(ord, string)) % 3])
def test_strings_of_one_hash_are_distinguished(monkeypatch, poor_hash):
    monkeypatch.setattr(string_collector, "hash", poor_hash, raising=False)
    generator = np.random.default_rng(0)
    for _ in range(50):
        assert_distinct_as_in_a_dict(
            ["".join(generator.choice(list("aβ🧬"), generator.integers(4))) for _ in range(40)]
        )


def test_more_strings_than_one_block():
    assert_distinct_as_in_a_dict([str(number % 9_000) for number in range(40_000)])


def test_what_utf8_cannot_hold_is_an_error():
    collector = StringCollector()
    collector.add(["\ud800"])
    with pytest.raises(UnicodeEncodeError):
        collector.distinct()
