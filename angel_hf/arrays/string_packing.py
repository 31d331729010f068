"""Packed strings made of strings, or of other packed ones."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from angel_hf.arrays.packed_strings import PackedStrings
from angel_hf.arrays.ranges import offsets_from_lengths, ranges

_BLOCK = 65_536


def pack(strings: Iterable[str]) -> PackedStrings:
    """Pack strings; a lone surrogate, which UTF-8 cannot hold, raises UnicodeEncodeError."""
    encoded = [string.encode("utf-8") for string in strings]
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return PackedStrings(data, offsets_from_lengths([len(string) for string in encoded]))


def join(first: PackedStrings, second: PackedStrings) -> PackedStrings:
    """The strings of one after those of the other."""
    offsets = np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]])
    return PackedStrings(np.concatenate([first.data, second.data]), offsets)


def take(strings: PackedStrings, order: np.ndarray) -> PackedStrings:
    """The strings at `order` (int [n]), in that order."""
    starts, lengths = strings.offsets[:-1][order], np.diff(strings.offsets)[order]
    offsets = offsets_from_lengths(lengths)
    data = np.empty(offsets[-1], dtype=np.uint8)
    # By blocks, since the position of every byte takes eight times as much as the byte.
    for first in range(0, len(order), _BLOCK):
        block = slice(first, first + _BLOCK)
        last = min(first + _BLOCK, len(order))
        data[offsets[first] : offsets[last]] = strings.data[ranges(starts[block], lengths[block])]
    return PackedStrings(data, offsets)
