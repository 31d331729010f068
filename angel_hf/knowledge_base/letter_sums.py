"""A number for each of millions of strings, equal for all spellings of one normal form."""

from __future__ import annotations

import numpy as np

from angel_hf.arrays.packed_strings import PackedStrings

_BLOCK = 65_536


def _numbers() -> np.ndarray:
    """A number for each byte: equal for a letter in either case, and 0 for all but letters and digits."""
    numbers = np.zeros(256, dtype=np.uint64)
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz0123456789", dtype=np.uint8)
    numbers[letters] = np.random.default_rng(0).integers(1, 2**64, len(letters), dtype=np.uint64)
    numbers[ord("A") : ord("Z") + 1] = numbers[ord("a") : ord("z") + 1]
    return numbers


_NUMBERS = _numbers()


def letter_sums(strings: PackedStrings) -> tuple[np.ndarray, np.ndarray]:
    """Add up a number for each letter and digit of ASCII.

    Two strings of ASCII that `normalize` makes equal have the same sum, under each normalization. Strings of the same
    sum nearly always have the same letters.

    Returns:
        The sums, uint64 [strings], and which strings are all ASCII, bool [strings]; the sums of others mean nothing.
    """
    sums = np.empty(len(strings), dtype=np.uint64)
    is_ascii = np.empty(len(strings), dtype=bool)
    for first in range(0, len(strings), _BLOCK):
        bounds = strings.offsets[first : first + _BLOCK + 1]
        data = strings.data[bounds[0] : bounds[-1]]
        block = slice(first, first + len(bounds) - 1)
        sums[block] = _sums_between(_NUMBERS[data], bounds - bounds[0])
        is_ascii[block] = _sums_between(data >> 7, bounds - bounds[0]) == 0
    return sums, is_ascii


def _sums_between(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Sums of the values from each bound to the next, modulo 2 ** 64."""
    total = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values, dtype=np.uint64, out=total[1:])
    return total[bounds[1:]] - total[bounds[:-1]]
