"""Concepts, row by row, into the flat tables of a knowledge base."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

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
    """

    def __init__(self, normalization: str) -> None:
        normalize("", normalization)  # refuses an unknown one before a long read
        self.normalization = normalization
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
            ValueError: there are no names, a name is empty or holds control characters, or a concept
                has no id; the message tells the row (counted from 1) and the value.
        """
        for row, concept in enumerate(concepts, start=1):
            self._add(row, concept)
        if not self.names:
            raise ValueError("the knowledge base has no names; expected at least one concept with one name")
        return self._name_tables() | self._concept_tables()

    def _add(self, row: int, concept: Concept) -> None:
        if not isinstance(concept.concept_id, str) or not concept.concept_id.strip():
            raise ValueError(f"row {row}: concept id {concept.concept_id!r} for names {concept.names!r}; expected text")
        if not concept.names:
            raise ValueError(f"row {row}: concept {concept.concept_id!r} has no names; expected at least one")
        names = [self._name(row, concept.concept_id, name) for name in concept.names]
        position = self.concepts.setdefault(concept.concept_id, len(self.concepts))
        if position == len(self.preferred):
            self.preferred.append(names[0])
            for column in COLUMNS:
                self.columns[column].append({})
        self.pairs.update(dict.fromkeys((name, position) for name in names))
        for column in COLUMNS:
            self.columns[column][position].update(dict.fromkeys(getattr(concept, f"{column}s")))

    def _name(self, row: int, concept_id: str, name: str) -> int:
        if name in self.names:
            return self.names[name]
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"row {row}: name {name!r} of concept {concept_id!r} is empty; expected text")
        for character in name:
            if unicodedata.category(character) in ("Cc", "Cs"):
                raise ValueError(
                    f"row {row}: name {name!r} of concept {concept_id!r} holds the control character "
                    f"U+{ord(character):04X}; remove it (a tab or line break often means a wrong column)"
                )
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
