"""Strings that mean nearly the same: vectors of an encoder, compared by their cosine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from angel_hf.ranking.subwords import SubwordEncoder
from angel_hf.ranking.trigrams import nearest

_QUERIES_AT_ONCE = 64
_ROWS_AT_ONCE = 16_384
_SPARE = 8
_MOST_IN_SINGLE = 1 << 25


@dataclass(frozen=True, slots=True)
class VectorComparison:
    """A string compared with those of an index.

    Args:
        vectors: of the index: float16, or the same numbers as float32 [strings, dimensions].
        vector: of the string: float32 [dimensions].
        rough: the cosines as they come from a product of many rows, whose last digits depend on how many there are:
            float32 [strings].
    """

    vectors: np.ndarray
    vector: np.ndarray
    rough: np.ndarray

    def nearest(self, count: int, allowed: np.ndarray | None = None) -> np.ndarray:
        """The places of the highest cosines above 0, the highest first, of equal ones the first: int64 [at most count].

        Args:
            count: how many.
            allowed: bool [strings], the places that may be answered; None: all.
        """
        rough = self.rough if allowed is None else np.where(allowed, self.rough, 0)
        # Some more than asked for, as rounding may have turned the order of the last.
        places = np.sort(nearest(rough, count + _SPARE))
        cosines = self.cosines(places)
        return places[np.argsort(-cosines, kind="stable")][:count]

    def cosines(self, places: np.ndarray) -> np.ndarray:
        """The cosines of some strings, between -1 and 1: float64 [places]; they do not depend on one another."""
        products = self.vectors[places].astype(np.float64) * self.vector
        return np.clip(np.add.reduce(products, axis=1), -1, 1)


class VectorIndex:
    """The vectors of strings.

    Args:
        encoder: makes vectors.
        strings: normalised.
    """

    def __init__(self, encoder: SubwordEncoder, strings: Sequence[str]) -> None:
        self._encoder = encoder
        # Half precision takes half the memory; no cosine is off by more than a thousandth. The same numbers in single
        # precision need no conversion for each comparison.
        is_small = len(strings) * encoder.dimensions <= _MOST_IN_SINGLE
        self._vectors = np.empty((len(strings), encoder.dimensions), dtype=np.float32 if is_small else np.float16)
        for first in range(0, len(strings), _ROWS_AT_ONCE):
            vectors = encoder.encode(strings[first : first + _ROWS_AT_ONCE])
            self._vectors[first : first + _ROWS_AT_ONCE] = vectors.astype(np.float16)

    def compare(self, strings: Sequence[str]) -> Iterator[VectorComparison]:
        """Compare strings with those of the index, each as it would be alone."""
        for first in range(0, len(strings), _QUERIES_AT_ONCE):
            vectors = self._encoder.encode(strings[first : first + _QUERIES_AT_ONCE])
            rough = np.empty((len(vectors), len(self._vectors)), dtype=np.float32)
            for start in range(0, len(self._vectors), _ROWS_AT_ONCE):
                rows = self._vectors[start : start + _ROWS_AT_ONCE].astype(np.float32, copy=False)
                rough[:, start : start + _ROWS_AT_ONCE] = vectors @ rows.T
            for vector, own in zip(vectors, rough):
                yield VectorComparison(self._vectors, vector, own)
