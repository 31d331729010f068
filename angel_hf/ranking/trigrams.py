"""Strings that share letters: TF-IDF vectors of character trigrams, compared by their cosine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

_SPACE = ord(" ")


@dataclass(frozen=True, slots=True)
class TrigramComparison:
    """A string compared with those of an index.

    Args:
        all_cosines: float32 [strings].
    """

    all_cosines: np.ndarray

    def nearest(self, count: int, allowed: np.ndarray | None = None) -> np.ndarray:
        """The places of the highest cosines above 0; see `nearest`.

        Args:
            count: how many.
            allowed: bool [strings], the places that may be answered; None: all.
        """
        return nearest(self.all_cosines if allowed is None else self.all_cosines * allowed, count)

    def cosines(self, places: np.ndarray) -> np.ndarray:
        """The cosines of some strings, between 0 and 1: float64 [places]."""
        return np.minimum(self.all_cosines[places].astype(np.float64), 1)


class TrigramIndex:
    """The vectors of strings, by trigram.

    A trigram is three characters in a row of a word with a space before and after it. A vector holds, for each trigram
    of a string, its count times ln((1 + strings) / (1 + strings with it)) + 1, over the vector's length: the "char_wb"
    trigrams of scikit-learn's TfidfVectorizer, which scispaCy's linker looks for candidates by (arXiv 1902.07669).

    Args:
        strings: normalised; one of white space has an empty vector, at cosine 0 to all.
    """

    def __init__(self, strings: Iterable[str]) -> None:
        rows, keys, self._characters, self.num_strings = _occurrences(strings)
        self._trigrams, numbers = np.unique(keys, return_inverse=True)
        cells, counts = np.unique(numbers * self.num_strings + rows, return_counts=True)
        # By trigram, and below it by string.
        trigrams, rows = np.divmod(cells, max(1, self.num_strings))
        with_trigram = np.bincount(trigrams, minlength=len(self._trigrams))
        self._weights = np.log((1 + self.num_strings) / (1 + with_trigram)) + 1
        values = counts * self._weights[trigrams]
        lengths = np.sqrt(np.bincount(rows, weights=values**2, minlength=self.num_strings))
        self._strings = rows.astype(np.int32)
        self._values = (values / lengths[rows]).astype(np.float32)
        self._starts = np.concatenate([[0], np.cumsum(with_trigram)])

    def compare(self, strings: Iterable[str]) -> Iterator[TrigramComparison]:
        """Compare strings with those of the index."""
        return (TrigramComparison(self.cosines(string)) for string in strings)

    def cosines(self, string: str) -> np.ndarray:
        """The cosine of each string of the index with another, between 0 and 1: float32 [strings]."""
        found = np.zeros(self.num_strings, dtype=np.float32)
        for trigram, value in self._vector(string):
            own = slice(self._starts[trigram], self._starts[trigram + 1])
            # A string stands once below a trigram, so that no sum is lost.
            found[self._strings[own]] += np.float32(value) * self._values[own]
        return found

    def _vector(self, string: str) -> list[tuple[int, float]]:
        """The trigrams of a string that the index knows, with their values."""
        _, keys, _, _ = _occurrences([string], self._characters)
        keys, counts = np.unique(keys, return_counts=True)
        places = np.searchsorted(self._trigrams, keys)
        is_known = places < len(self._trigrams)
        is_known[is_known] = self._trigrams[places[is_known]] == keys[is_known]
        places, values = places[is_known], counts[is_known] * self._weights[places[is_known]]
        length = np.sqrt((values**2).sum())
        return list(zip(places.tolist(), (values / length).tolist())) if len(places) else []


def nearest(cosines: np.ndarray, count: int) -> np.ndarray:
    """The places of the highest cosines above 0, the highest first, of equal ones the first: int64 [count or fewer]."""
    places = np.flatnonzero(cosines > 0)
    if len(places) > count:
        least = np.partition(cosines[places], -count)[-count]
        places = places[cosines[places] >= least]
    return places[np.argsort(-cosines[places], kind="stable")][:count]


def _occurrences(
    strings: Iterable[str], characters: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """All trigrams of strings: of each its string and its key, then the characters that keys are made of.

    Args:
        strings: to be taken apart.
        characters: ascending code points; a trigram with another one is left out. None: those that are there.

    Returns:
        int64 [trigrams], int64 [trigrams], uint32 [characters], and the number of strings.
    """
    # A word is followed by two spaces, so that two in a row are between words only.
    spaced = [f" {'  '.join(string.split())} " for string in strings]
    points = np.frombuffer("".join(spaced).encode("utf-32-le"), dtype=np.uint32)
    rows = np.repeat(np.arange(len(spaced)), [len(string) for string in spaced])
    if characters is None:
        characters = np.unique(np.append(points, np.uint32(_SPACE)))
    codes = np.searchsorted(characters, points).clip(max=max(0, len(characters) - 1))
    is_usable = characters[codes] == points
    is_space = points == _SPACE
    starts = np.arange(max(0, len(points) - 2))
    is_word = ~(is_space[starts] & is_space[starts + 1]) & ~(is_space[starts + 1] & is_space[starts + 2])
    is_word &= is_usable[starts] & is_usable[starts + 1] & is_usable[starts + 2]
    starts = starts[is_word]
    base = len(characters)
    keys = (codes[starts] * base + codes[starts + 1]) * base + codes[starts + 2]
    return rows[starts], keys, characters, len(spaced)
