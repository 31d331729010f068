"""Batches of pairs of synonyms, in which concepts stand beside those that are easily taken for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch

from angel_hf.training.data.noise import add_noise
from angel_hf.training.encoder.synonyms import Synonyms, Vocabulary

Encode = Callable[[Sequence[str]], np.ndarray]

_NEIGHBOURS = 12
_ROWS_AT_ONCE = 1024
_MOST = 8192


@dataclass(frozen=True, slots=True)
class Shares:
    """What a batch is made of.

    Args:
        mentions: of pairs of a mention and another string of its concept.
        others: of pairs of terms of ontologies; the rest are of the knowledge base's concepts.
        noise: of first strings with spelling noise.
    """

    mentions: float = 0.1
    others: float = 0.2
    noise: float = 0.3


class Batches:
    """Draws batches; each depends on the seed, its step and the neighbours alone.

    Args:
        vocabulary: what is drawn from.
        size: concepts in a batch.
        cluster: concepts that stand together, of which one is drawn and the others are among its nearest.
        shares: what is drawn.
        seed: of all.

    Raises:
        ValueError: no concept has two strings.
    """

    def __init__(self, vocabulary: Vocabulary, size: int, cluster: int, shares: Shares, seed: int) -> None:
        if not vocabulary.own:
            raise ValueError("no concept of the knowledge base has two names; an encoder learns from synonyms")
        self._groups = (*vocabulary.own, *vocabulary.others)
        self._own = len(vocabulary.own)
        self._mentioned = [place for place, one in enumerate(vocabulary.own) if one.mentions]
        self._size = min(size, len(self._groups))
        self._cluster, self._shares, self._seed = cluster, shares, seed
        # Until they are mined, each concept is its own neighbour.
        self._nearest = np.repeat(np.arange(len(self._groups))[:, None], _NEIGHBOURS, axis=1)
        self._places: dict[str, list[int]] = {}
        for place, one in enumerate(self._groups):
            for string in one.strings:
                self._places.setdefault(string, []).append(place)

    def mine(self, encode: Encode) -> None:
        """Find the neighbours of each concept by the vectors of the first strings, those of terms among some thousands.

        Args:
            encode: strings to vectors.
        """
        others = np.arange(self._own, len(self._groups))
        np.random.default_rng(self._seed).shuffle(others)
        parts = [np.arange(self._own), *(others[first : first + _MOST] for first in range(0, len(others), _MOST))]
        for part in parts:
            vectors = torch.from_numpy(encode([self._groups[place].strings[0] for place in part]))
            count = min(_NEIGHBOURS, len(part) - 1)
            for first in range(0, len(part), _ROWS_AT_ONCE):
                rows = part[first : first + _ROWS_AT_ONCE]
                cosines = vectors[first : first + _ROWS_AT_ONCE] @ vectors.T
                cosines.diagonal(first).fill_(-torch.inf)
                self._nearest[rows, :count] = part[torch.topk(cosines, count).indices.numpy()]

    def batch(self, step: int) -> tuple[list[str], list[str], np.ndarray]:
        """Pairs of synonyms.

        Returns:
            The first strings, the second ones, and for first and second together whether two mean the same, themselves
            included, by any concept or term that has both: bool [2 * pairs, 2 * pairs].
        """
        rng = random.Random(f"{self._seed}/{step}")
        drawn: dict[int, tuple[str, str]] = {}
        while len(drawn) < self._size:
            for place, is_mention in self._places_of(rng):
                if len(drawn) < self._size and place not in drawn:
                    drawn[place] = self._pair(self._groups[place], is_mention, rng)
        first, second = ([pair[side] for pair in drawn.values()] for side in (0, 1))
        return first, second, self._same([*first, *second], [*drawn, *drawn])

    def _places_of(self, rng: random.Random) -> list[tuple[int, bool]]:
        """Concepts to stand together, and whether a mention is asked for."""
        share = rng.random()
        if share < self._shares.mentions and self._mentioned:
            return [(rng.choice(self._mentioned), True)]
        is_other = share > 1 - self._shares.others and len(self._groups) > self._own
        place = rng.randrange(self._own, len(self._groups)) if is_other else rng.randrange(self._own)
        near = self._nearest[place].tolist()
        return [(one, False) for one in (place, *rng.sample(near, min(self._cluster - 1, len(near))))]

    def _pair(self, group: Synonyms, is_mention: bool, rng: random.Random) -> tuple[str, str]:
        first = rng.choice(group.mentions if is_mention else group.strings)
        second = rng.choice([string for string in group.strings if string != first])
        if not is_mention and rng.random() < self._shares.noise:
            first = add_noise(first, rng)
        return first, second

    def _same(self, strings: Sequence[str], places: Sequence[int]) -> np.ndarray:
        # A string with noise means what its concept means, and whatever else is spelled so.
        meant = [{place, *self._places.get(string, ())} for string, place in zip(strings, places)]
        rows_of: dict[int, list[int]] = {}
        for row, place in chain.from_iterable(((row, place) for place in own) for row, own in enumerate(meant)):
            rows_of.setdefault(place, []).append(row)
        same = np.zeros((len(strings), len(strings)), dtype=bool)
        for rows in rows_of.values():
            same[np.ix_(rows, rows)] = True
        return same
