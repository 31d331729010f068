"""The vectors of an encoder while they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from angel_hf.ranking.subwords import PAIR_WEIGHT, SubwordEncoder, row_of, word_grams

_DEVIATION = 0.1
_STRINGS_AT_ONCE = 4096


class Table(torch.nn.Module):
    """What a SubwordEncoder computes, with gradients; untrained, it compares strings by the grams that they share.

    Args:
        rows: number of vectors.
        dimensions: of a vector.
    """

    def __init__(self, rows: int, dimensions: int) -> None:
        super().__init__()
        self.vectors = torch.nn.EmbeddingBag(rows, dimensions, mode="sum", sparse=True)
        torch.nn.init.normal_(self.vectors.weight, std=_DEVIATION)

    def forward(self, strings: Sequence[str]) -> torch.Tensor:
        """Vectors of length 1: float32 [strings, dimensions]."""
        places, weights, starts = [], [], []
        count = 0
        for string in strings:
            starts.append(count)
            words = string.split()
            for word in words:
                own = _rows(word, self.vectors.num_embeddings)
                places.append(own)
                weights.append(np.full(len(own), 1 / np.sqrt(len(own)), dtype=np.float32))
            pairs = [row_of(f"{a} {b}", self.vectors.num_embeddings) for a, b in zip(words, words[1:])]
            places.append(np.array(pairs, dtype=np.int64))
            weights.append(np.full(len(pairs), PAIR_WEIGHT, dtype=np.float32))
            count += sum(map(len, places[len(places) - len(words) - 1 :]))
        summed = self.vectors(
            torch.from_numpy(np.concatenate(places)),
            torch.tensor(starts),
            per_sample_weights=torch.from_numpy(np.concatenate(weights)),
        )
        return torch.nn.functional.normalize(summed, dim=-1)

    @torch.no_grad()
    def encode(self, strings: Sequence[str]) -> np.ndarray:
        """Vectors without gradients: float32 [strings, dimensions]."""
        batches = [strings[first : first + _STRINGS_AT_ONCE] for first in range(0, len(strings), _STRINGS_AT_ONCE)]
        empty = np.zeros((0, self.vectors.embedding_dim), dtype=np.float32)
        return np.concatenate([empty, *(self(batch).numpy() for batch in batches)])

    def encoder(self) -> SubwordEncoder:
        """The encoder with the present vectors, rounded."""
        return SubwordEncoder.of_vectors(self.vectors.weight.detach().numpy())


@lru_cache(maxsize=1 << 18)
def _rows(word: str, rows: int) -> np.ndarray:
    return np.array([row_of(gram, rows) for gram in word_grams(word)], dtype=np.int64)
