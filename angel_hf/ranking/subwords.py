"""An encoder of short strings: vectors of the character n-grams of their words, summed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from angel_hf.arrays.array_file import fingerprint, open_arrays, written_whole

ENCODER_FILE = "encoder.safetensors"
GRAM_LENGTHS = (3, 4, 5)
PAIR_WEIGHT = 0.7
"""Of the vector of two words in a row beside those of the words."""

_STRINGS_AT_ONCE = 4096
_MOST_STEP = 127
_MOST_CHARACTERS = 100


class SubwordEncoder:
    """Strings to vectors of unit length, near one another where the strings mean the same.

    A word is the sum of the vectors of its grams, over the root of their number: the word with "<" and ">" around it,
    and all of 3 to 5 characters of that, as in fastText (Bojanowski et al., 2017, TACL 5:135-146). A string is the sum
    of its words and, at a lower weight, of its pairs of neighbouring words, at length 1. Grams and pairs find their
    vectors by the CRC-32 of their UTF-8 form, modulo the number of vectors. Trained by `angel_hf.training.encoder`.

    Args:
        table: int8 [vectors * dimensions], row by row.
        steps: float32 [vectors], what a row's numbers count in.

    Raises:
        ValueError: the rows are no whole number of dimensions, or a step is not finite.
    """

    def __init__(self, table: np.ndarray, steps: np.ndarray) -> None:
        if not len(steps) or not len(table) or len(table) % len(steps):
            raise ValueError(f"a table of {len(table):,} numbers for {len(steps):,} vectors; expected as many for each")
        if not np.isfinite(steps).all():
            raise ValueError("steps that are no finite numbers")
        self._table = table.reshape(len(steps), -1)
        self._steps = steps

    @classmethod
    def of_vectors(cls, vectors: np.ndarray) -> SubwordEncoder:
        """The encoder whose table holds vectors, float32 [vectors, dimensions], rounded to 1/127 of their largest."""
        steps = np.abs(vectors).max(axis=1).astype(np.float32) / _MOST_STEP
        rounded = np.rint(vectors / np.where(steps > 0, steps, 1)[:, None])
        return cls(rounded.astype(np.int8).reshape(-1), steps)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, SubwordEncoder) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def dimensions(self) -> int:
        """The numbers of a vector."""
        return int(self._table.shape[1])

    def encode(self, strings: Sequence[str]) -> np.ndarray:
        """The vectors of strings: float32 [strings, dimensions]; one without words has zeros alone.

        A string's vector does not depend on the others.
        """
        found = np.zeros((len(strings), self.dimensions), dtype=np.float32)
        for first in range(0, len(strings), _STRINGS_AT_ONCE):
            found[first : first + _STRINGS_AT_ONCE] = self._encode(strings[first : first + _STRINGS_AT_ONCE])
        return found

    def _encode(self, strings: Sequence[str]) -> np.ndarray:
        split = [string.split() for string in strings]
        words = list(dict.fromkeys(word for own in split for word in own))
        pairs = list(dict.fromkeys(pair for own in split for pair in _pairs(own)))
        keys: list[str | tuple[str, str]] = [*words, *pairs]
        places = {key: place for place, key in enumerate(keys)}
        units = np.concatenate([self._words(words), PAIR_WEIGHT * self._rows(f"{a} {b}" for a, b in pairs)])
        sums = _sums(units, [[*map(places.__getitem__, own), *map(places.__getitem__, _pairs(own))] for own in split])
        # einsum adds each row by itself, whatever rows stand beside it.
        lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
        return sums / np.where(lengths > 0, lengths, 1)[:, None]

    def _words(self, words: Sequence[str]) -> np.ndarray:
        """float32 [words, dimensions]."""
        grams = [word_grams(word) for word in words]
        rows = self._rows(gram for own in grams for gram in own)
        counts = np.array([len(own) for own in grams], dtype=np.int64)
        ends = np.cumsum(counts)
        sums = _sums(rows, [range(end - count, end) for end, count in zip(ends.tolist(), counts.tolist())])
        return sums / np.sqrt(counts, dtype=np.float32)[:, None]

    def _rows(self, keys: Iterable[str]) -> np.ndarray:
        """The vectors of grams or pairs: float32 [keys, dimensions]."""
        places = np.array([row_of(key, len(self._steps)) for key in keys], dtype=np.int64)
        return self._table[places] * self._steps[places, None]

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the contents."""
        return fingerprint({"table": self._table, "steps": self._steps})[:16]

    def to_bytes(self) -> bytes:
        """The contents of `encoder.safetensors`."""
        return save({"table": self._table.reshape(-1), "steps": self._steps})

    def save(self, directory: str | Path) -> Path:
        """Write `encoder.safetensors` to a directory."""
        path = Path(directory) / ENCODER_FILE
        with written_whole(path) as temporary:
            Path(temporary).write_bytes(self.to_bytes())
        return path

    @classmethod
    def load(cls, path: str | Path) -> SubwordEncoder:
        """Open `encoder.safetensors`.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another kind.
        """
        arrays, _ = open_arrays(path, {"table": np.int8, "steps": np.float32})
        try:
            return cls(arrays["table"], arrays["steps"])
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def row_of(key: str, rows: int) -> int:
    """Where the vector of a gram or a pair of words stands among so many."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % rows


def word_grams(word: str) -> list[str]:
    """What a word's vector is the sum of, each gram once; of a longer word its first 100 characters are read."""
    return list(dict.fromkeys(_grams(f"<{word[:_MOST_CHARACTERS]}>")))


def _grams(marked: str) -> Iterator[str]:
    yield marked
    for length in GRAM_LENGTHS:
        for start in range(len(marked) - length + 1):
            yield marked[start : start + length]


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(words, words[1:]))


def _sums(rows: np.ndarray, members: Sequence[Sequence[int]]) -> np.ndarray:
    """For each sequence of places the sum of these rows, added one after the other: float32 [sequences, dimensions]."""
    sums = np.zeros((len(members), rows.shape[1]), dtype=np.float32)
    # The first of all sequences, then the second of those that have one: the order of sums is that of each sequence.
    order = sorted(range(len(members)), key=lambda place: -len(members[place]))
    for depth in range(len(members[order[0]]) if order else 0):
        while order and len(members[order[-1]]) <= depth:
            order.pop()
        sums[order] += rows[[members[place][depth] for place in order]]
    return sums
