"""Concepts, row by row, into the flat tables of a knowledge base."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

from .array_file import offsets_from_lengths
from .normalization import normalize
from .packed_strings import PackedStrings
from .types import Concept

# Optional columns of a concept: a table of strings and, for each concept, positions in it.
COLUMNS = ("alternative_id", "semantic_type", "parent")


class TableBuilder:
    """Collects concepts row by row, then lays them out.

    Args:
        normalization: one of `normalization.NORMALIZATIONS`.
        source: the file that the concepts come from, which errors then name.
    """

    def __init__(self, normalization: str, source: str = "") -> None:
        normalize("", normalization)  # refuses an unknown one before a long read
        self.normalization = normalization
        self.where = f"{source}: " if source else ""
        self.concepts: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.name_entries: list[int] = []
        self.entries: dict[str, int] = {}
        self.preferred: list[int] = []
        self.pairs: dict[tuple[int, int], None] = {}
        self.columns: dict[str, list[dict[str, None]]] = {column: [] for column in COLUMNS}

    def build(self, concepts: Iterable[Concept]) -> dict[str, np.ndarray]:
        """The tables of a KnowledgeBase.

        Raises:
            ValueError: there are no names, a string is empty or holds control characters, or a concept
                has no id; the message tells the row (counted from 1) and the value.
        """
        for row, concept in enumerate(concepts, start=1):
            self._add(f"{self.where}row {row}", concept)
        if not self.names:
            raise ValueError(
                f"{self.where}the knowledge base has no names; expected at least one concept with one name"
            )
        return self._name_tables() | self._concept_tables()

    def _add(self, row: str, concept: Concept) -> None:
        concept_id = concept.concept_id
        check_text(concept_id, f"{row}: concept id {concept_id!r} for names {concept.names!r}")
        check_list(concept.names, f"{row}: names of concept {concept_id!r}")
        if not concept.names:
            raise ValueError(f"{row}: concept {concept_id!r} has no names; expected at least one")
        names = [self._name(row, concept_id, name) for name in concept.names]
        position = self.concepts.setdefault(concept_id, len(self.concepts))
        if position == len(self.preferred):
            self.preferred.append(names[0])
            for column in COLUMNS:
                self.columns[column].append({})
        self.pairs.update(dict.fromkeys((name, position) for name in names))
        for column in COLUMNS:
            values = getattr(concept, f"{column}s")
            check_list(values, f"{row}: {column}s of concept {concept_id!r}")
            for value in values:
                check_text(value, f"{row}: {column} {value!r} of concept {concept_id!r}")
            self.columns[column][position].update(dict.fromkeys(values))

    def _name(self, row: str, concept_id: str, name: str) -> int:
        if isinstance(name, str) and name in self.names:
            return self.names[name]
        check_text(name, f"{row}: name {name!r} of concept {concept_id!r}")
        self.names[name] = len(self.names)
        entry = self.entries.setdefault(normalize(name, self.normalization), len(self.entries))
        self.name_entries.append(entry)
        return self.names[name]

    def _name_tables(self) -> dict[str, np.ndarray]:
        name_entries = np.array(self.name_entries, dtype=np.int64)
        order = np.argsort(name_entries, kind="stable")
        self.new_position = np.empty_like(order)
        self.new_position[order] = np.arange(len(order))
        names = PackedStrings.from_strings(self.names).take(order)
        pairs = np.array(list(self.pairs), dtype=np.int64)
        pairs[:, 0] = self.new_position[pairs[:, 0]]
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        return {
            "name_bytes": names.data,
            "name_offsets": names.offsets,
            "entry_offsets": offsets_from_lengths(np.bincount(name_entries)),
            "name_concept_offsets": offsets_from_lengths(np.bincount(pairs[:, 0], minlength=len(names))),
            "name_concepts": pairs[:, 1].astype(np.int32),
        }

    def _concept_tables(self) -> dict[str, np.ndarray]:
        concept_ids = PackedStrings.from_strings(self.concepts)
        tables = {
            "concept_bytes": concept_ids.data,
            "concept_offsets": concept_ids.offsets,
            "concept_preferred": self.new_position[np.array(self.preferred, dtype=np.int64)],
        }
        for column, per_concept in self.columns.items():
            if not any(per_concept):
                continue
            values: dict[str, int] = {}
            positions = [values.setdefault(value, len(values)) for cell in per_concept for value in cell]
            strings = PackedStrings.from_strings(values)
            tables[f"{column}_bytes"] = strings.data
            tables[f"{column}_offsets"] = strings.offsets
            tables[f"concept_{column}"] = np.array(positions, dtype=np.int32)
            tables[f"concept_{column}_offsets"] = offsets_from_lengths([len(cell) for cell in per_concept])
        return tables


def check_list(values: Any, what: str) -> None:
    """Refuse a string, whose characters would be taken one by one, and what is no list at all."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"{what} are {values!r}; expected a list of strings")


def check_text(text: Any, what: str) -> None:
    """Refuse what is not a string, or is empty, or cannot be shown or stored."""
    if not isinstance(text, str):
        raise ValueError(f"{what} is of type {type(text).__name__}; expected text")
    if not text.strip():
        raise ValueError(f"{what} is empty; expected text")
    if text.isprintable():  # nearly all are, and this is much faster than a look at every character
        return
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise ValueError(
                f"{what} holds the control character U+{ord(character):04X}; remove it (a tab or line break often "
                "means a wrong column)"
            )
