"""The memory of a model: strings of annotated mentions with their concepts, asked for those that are spelled alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from angel_hf.jobs.readable import UNFORESEEN, parse_json, what_stopped
from angel_hf.ranking.trigrams import TrigramIndex, nearest
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
    """

    def __init__(self, counts: Mapping[str, Mapping[str, int]] | None = None) -> None:
        self.counts = {string: dict(own) for string, own in (counts or {}).items()}

    def __len__(self) -> int:
        return len(self.counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memory) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]

    def with_mentions(self, mentions: Iterable[tuple[str, Iterable[str]]]) -> Memory:
        """A memory with more: strings of mentions as they are spelled, each with its concepts.

        What is said last of a string holds, so that a correction takes the place of what stood there.

        Raises:
            ValueError: a string has no letters to be known by, or half a surrogate pair, which no file can hold.
        """
        told = {spelling(string): (string, dict.fromkeys(ids, 1)) for string, ids in mentions}
        for own, (string, _) in told.items():
            if not own or _is_half(own):
                raise ValueError(f"the mention {string!r:.80} cannot be remembered; expected letters, whole ones")
        return Memory(self.counts | {own: counts for own, (_, counts) in told.items()})

    def similarities(self, string: str, neighbours: int) -> dict[str, float]:
        """For each concept of the nearest strings, the highest cosine of a string that has it (kNN-BioEL, 2312.09806).

        A concept that is not the most frequent one of a string has less of its cosine, as it is less frequent.

        Args:
            string: as `spelling` gives it.
            neighbours: how many of the nearest strings are asked.
        """
        found: dict[str, float] = {}
        if self.counts:
            cosines = self._index.cosines(string)
            for place in nearest(cosines, neighbours).tolist():
                own = self.counts[self._strings[place]]
                most = max(own.values())
                for concept_id, count in own.items():
                    similarity = min(float(cosines[place]), 1.0) * count / most
                    found[concept_id] = max(similarity, found.get(concept_id, 0.0))
        return found

    @cached_property
    def _strings(self) -> list[str]:
        return list(self.counts)

    @cached_property
    def _index(self) -> TrigramIndex:
        return TrigramIndex(self._strings)

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the contents."""
        return hashlib.sha256(self.to_jsonl().encode()).hexdigest()[:16]

    def to_jsonl(self) -> str:
        """The contents of `memory.jsonl`: a string a line."""
        rows = ({"mention": string, "concepts": own} for string, own in sorted(self.counts.items()))
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    @classmethod
    def load(cls, path: str | Path) -> Memory:
        """Read `memory.jsonl`.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: a line is not as it was written.
        """
        found: dict[str, dict[str, int]] = {}
        for number, line in enumerate(Path(path).read_bytes().splitlines(), start=1):
            try:
                mention, concepts = _remembered(parse_json(line))
                if mention in found:
                    raise ValueError(f"the mention {mention!r:.80} again")
            except (ValueError, *UNFORESEEN) as error:
                raise ValueError(f"{path}:{number}: no remembered mention ({what_stopped(error)})") from None
            found[mention] = concepts
        return cls(found)


def _remembered(row: dict[str, Any]) -> tuple[str, dict[str, int]]:
    """The mention of a line, and how often it has each concept."""
    mention, concepts = row["mention"], row["concepts"]
    if unknown := sorted(row.keys() - {"mention", "concepts"}):
        raise ValueError(f"unknown key {unknown[0]!r}")
    if not isinstance(mention, str) or not concepts:
        raise ValueError("expected a mention, and how often it has each concept")
    if not all(type(count) is int and count > 0 for count in concepts.values()):
        raise ValueError("expected counts, whole numbers above 0")
    if any(map(_is_half, (mention, *concepts))):
        raise ValueError("half a surrogate pair, which is no character")
    return mention, concepts


def _is_half(text: str) -> bool:
    """Whether half a surrogate pair is in a text, which UTF-8 cannot hold."""
    return any("\ud800" <= character <= "\udfff" for character in text)
