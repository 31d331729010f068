"""Consecutive pieces of one array: their offsets, and the positions in them."""

from __future__ import annotations

import numpy as np


def offsets_from_lengths(lengths: np.ndarray | list[int]) -> np.ndarray:
    """Offsets [n + 1] int64 of consecutive pieces with the given lengths [n]."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The integers start, start + 1, ... of every range one after the other: [sum(lengths)] int64."""
    offsets = offsets_from_lengths(lengths)
    # Each position minus its range's offset counts from 0 within the range.
    return np.arange(offsets[-1], dtype=np.int64) + np.repeat(starts.astype(np.int64) - offsets[:-1], lengths)
