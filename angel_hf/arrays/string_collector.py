"""Millions of strings collected, and the equal ones found, without a Python object for each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np

from angel_hf.arrays.packed_strings import PackedStrings
from angel_hf.arrays.ranges import offsets_from_lengths, ranges
from angel_hf.arrays.string_packing import take

_BLOCK = 16_384


class StringCollector:
    """Collects strings, then finds the distinct ones.

    Equal strings are found by sorting 64-bit hashes; strings of one hash are compared byte by byte, so the result is
    exact.
    """

    def __init__(self) -> None:
        self._pending: list[str] = []
        self._data = bytearray()
        self._lengths = array("i")
        self._hashes = array("q")

    def __len__(self) -> int:
        return len(self._lengths) + len(self._pending)

    def add(self, strings: Iterable[str]) -> None:
        """Append strings; a lone surrogate, which UTF-8 cannot hold, raises UnicodeEncodeError, here or later."""
        self._pending.extend(strings)
        if len(self._pending) >= _BLOCK:
            self._flush()

    def distinct(self) -> tuple[PackedStrings, np.ndarray, np.ndarray]:
        """The distinct strings in the order of their first occurrence.

        Returns:
            The strings; int64 [distinct], the position of each one's first occurrence; int32 [added], the index of each
            added string among the distinct ones.
        """
        self._flush()
        hashes = np.frombuffer(self._hashes, dtype=np.int64)
        strings = PackedStrings(
            np.frombuffer(self._data, dtype=np.uint8),
            offsets_from_lengths(np.frombuffer(self._lengths, dtype=np.int32)),
        )
        first = _first_equal(strings, hashes)
        is_first = first == np.arange(len(first))
        number = np.cumsum(is_first, dtype=np.int32) - np.int32(1)
        positions = np.flatnonzero(is_first)
        distinct = strings if len(positions) == len(strings) else take(strings, positions)
        return distinct, positions, number[first]

    def _flush(self) -> None:
        encoded = [string.encode("utf-8") for string in self._pending]
        self._data += b"".join(encoded)
        self._lengths.extend(map(len, encoded))
        self._hashes.extend(map(hash, self._pending))
        self._pending.clear()


def _first_equal(strings: PackedStrings, hashes: np.ndarray) -> np.ndarray:
    """The position of the first string equal to each: int64 [n]."""
    first = np.arange(len(strings))
    if len(strings) == 0:
        return first
    order = np.argsort(hashes)
    in_order = hashes[order]
    starts = np.flatnonzero(np.concatenate([[True], in_order[1:] != in_order[:-1]]))
    first[order] = np.repeat(np.minimum.reduceat(order, starts), np.diff(starts, append=len(order)))
    repeated = np.flatnonzero(first != np.arange(len(first)))
    others = repeated[~_are_equal(strings, repeated, first[repeated])]
    # Different strings of one hash are so rare that a dict does.
    seen: dict[str, int] = {}
    for position in others.tolist():
        first[position] = seen.setdefault(strings[position], position)
    return first


def _are_equal(strings: PackedStrings, positions: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether the strings at `positions` equal those at `others`: bool [n]."""
    lengths = np.diff(strings.offsets)
    equal = lengths[positions] == lengths[others]
    candidates = np.flatnonzero(equal)
    for first in range(0, len(candidates), _BLOCK):
        block = candidates[first : first + _BLOCK]
        own = lengths[positions[block]]
        left = strings.data[ranges(strings.offsets[positions[block]], own)]
        right = strings.data[ranges(strings.offsets[others[block]], own)]
        differing = np.repeat(block, own)[left != right]
        equal[differing] = False
    return equal
