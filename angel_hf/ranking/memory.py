"""The memory of a model: strings of annotated mentions with their concepts, asked for those that are alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from angel_hf.jobs.readable import UNFORESEEN, parse_json, what_stopped
from angel_hf.ranking.string_index import Comparison, StringIndex, index_of
from angel_hf.ranking.subwords import SubwordEncoder
from angel_hf.text.reading import fold, normalize

MEMORY_FILE = "memory.jsonl"


def spelling(text: str) -> str:
    """The form in which strings are compared by their letters: folded, in the published normal form."""
    return normalize(fold(text), "lowercase-punctuation")


class Memory:
    """Strings of mentions with the concepts that they were annotated with; a value, which never changes.

    Args:
        counts: by string, as `spelling` gives it, how often it was annotated with each concept, once at least; an
            identifier in any spelling.
        told: the strings that a user told the meaning of, which holds whatever else is known.
    """

    def __init__(self, counts: Mapping[str, Mapping[str, int]] | None = None, told: Iterable[str] = ()) -> None:
        self.counts = {string: dict(own) for string, own in (counts or {}).items()}
        self.told = frozenset(told) & self.counts.keys()
        self._strings = list(self.counts)
        self._index: tuple[SubwordEncoder | None, StringIndex] | None = None

    def __len__(self) -> int:
        return len(self.counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memory) and (self.counts, self.told) == (other.counts, other.told)

    __hash__ = None  # type: ignore[assignment]

    def with_mentions(self, mentions: Iterable[tuple[str, Iterable[str]]]) -> Memory:
        """A memory with more that a user told: strings of mentions as they are spelled, each with its concepts.

        What is said last of a string holds, so that a correction takes the place of what stood there.

        Raises:
            ValueError: a string has no letters to be known by, or half a surrogate pair, which no file can hold.
        """
        told = {spelling(string): (string, dict.fromkeys(ids, 1)) for string, ids in mentions}
        for own, (string, _) in told.items():
            if not own or _is_half(own):
                raise ValueError(f"the mention {string!r:.80} cannot be remembered; expected letters, whole ones")
        counts = self.counts | {own: counts for own, (_, counts) in told.items()}
        return Memory(counts, self.told | told.keys())

    def compare(self, strings: Sequence[str], encoder: SubwordEncoder | None = None) -> Iterator[Comparison]:
        """Compare strings, as `spelling` gives them, with the remembered ones.

        Args:
            strings: any.
            encoder: makes the vectors that are compared; None: trigrams.
        """
        index = self._index
        if index is None or index[0] is not encoder:
            index = self._index = encoder, index_of(self._strings, encoder)
        return index[1].compare(strings)

    def similarities(self, compared: Comparison, neighbours: int) -> dict[str, float]:
        """For each concept of the nearest strings, the highest cosine of a string that has it (kNN-BioEL, 2312.09806).

        A concept that is not the most frequent one of a string has less of its cosine, as it is less frequent.

        Args:
            compared: a string, by `compare`.
            neighbours: how many of the nearest strings are asked.
        """
        found: dict[str, float] = {}
        places = compared.nearest(neighbours)
        for place, cosine in zip(places.tolist(), compared.cosines(places).tolist()):
            own = self.counts[self._strings[place]]
            most = max(own.values())
            for concept_id, count in own.items():
                found[concept_id] = max(cosine * count / most, found.get(concept_id, 0.0))
        return found

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the contents."""
        return hashlib.sha256(self.to_jsonl().encode()).hexdigest()[:16]

    def to_jsonl(self) -> str:
        """The contents of `memory.jsonl`: a string a line."""
        rows = (
            {"mention": string, "concepts": own} | ({"told": True} if string in self.told else {})
            for string, own in sorted(self.counts.items())
        )
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    @classmethod
    def load(cls, path: str | Path) -> Memory:
        """Read `memory.jsonl`.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: a line is not as it was written.
        """
        found: dict[str, dict[str, int]] = {}
        told = set()
        for number, line in enumerate(Path(path).read_bytes().splitlines(), start=1):
            try:
                row = parse_json(line)
                mention, concepts = _remembered(row)
                if mention in found:
                    raise ValueError(f"the mention {mention!r:.80} again")
            except (ValueError, *UNFORESEEN) as error:
                raise ValueError(f"{path}:{number}: no remembered mention ({what_stopped(error)})") from None
            found[mention] = concepts
            if "told" in row:
                told.add(mention)
        return cls(found, told)


def _remembered(row: dict[str, Any]) -> tuple[str, dict[str, int]]:
    """The mention of a line, and how often it has each concept."""
    mention, concepts = row["mention"], row["concepts"]
    if unknown := sorted(row.keys() - {"mention", "concepts", "told"}):
        raise ValueError(f"unknown key {unknown[0]!r}")
    if not isinstance(mention, str) or not concepts:
        raise ValueError("expected a mention, and how often it has each concept")
    if not all(type(count) is int and count > 0 for count in concepts.values()):
        raise ValueError("expected counts, whole numbers above 0")
    if row.get("told", True) is not True:
        raise ValueError("expected true for 'told', or nothing")
    if any(map(_is_half, (mention, *concepts))):
        raise ValueError("half a surrogate pair, which is no character")
    return mention, concepts


def _is_half(text: str) -> bool:
    """Whether half a surrogate pair is in a text, which UTF-8 cannot hold."""
    return any("\ud800" <= character <= "\udfff" for character in text)
