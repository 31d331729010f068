"""Strings that are compared with others: by the vectors of an encoder, or by their trigrams where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from angel_hf.ranking.subwords import SubwordEncoder
from angel_hf.ranking.trigrams import TrigramIndex
from angel_hf.ranking.vectors import VectorIndex


class Comparison(Protocol):
    """A string compared with those of an index."""

    def nearest(self, count: int, allowed: np.ndarray | None = None) -> np.ndarray:
        """The places of the highest cosines above 0, the highest first, of equal ones the first: int64 [at most count].

        Args:
            count: how many.
            allowed: bool [strings], the places that may be answered; None: all.
        """

    def cosines(self, places: np.ndarray) -> np.ndarray:
        """The cosines of some strings: float64 [places]."""


class StringIndex(Protocol):
    """Strings that are compared with others."""

    def compare(self, strings: Sequence[str]) -> Iterator[Comparison]:
        """Compare strings with those of the index, each as it would be alone."""


def index_of(strings: Iterable[str], encoder: SubwordEncoder | None) -> StringIndex:
    """The index of normalised strings."""
    return TrigramIndex(strings) if encoder is None else VectorIndex(encoder, list(strings))
