"""The names and concepts that mentions are linked to, in flat arrays: opened memory-mapped, and looked up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..arrays.array_file import check_offsets, fingerprint, offsets_from_lengths, open_arrays, save_arrays
from ..arrays.packed_strings import PackedStrings
from ..text.reading import NORMALIZATIONS, normalize
from ..types import Concept

KNOWLEDGE_BASE_FILE = "knowledge_base.safetensors"
# Optional columns of a concept: a table of strings and, for each concept, positions in it.
COLUMNS = ("alternative_id", "semantic_type", "parent")
_FORMAT = "angel-knowledge-base-1"
# Each table of offsets, and what it points into; the offsets of entries point at names, which are offsets themselves.
_OFFSETS = {
    "name_offsets": "name_bytes",
    "entry_offsets": "name_offsets",
    "name_concept_offsets": "name_concepts",
    "concept_offsets": "concept_bytes",
}
_REQUIRED: dict[str, type] = {
    name: np.uint8 if name.endswith("_bytes") else np.integer
    for name in (*_OFFSETS, *_OFFSETS.values(), "concept_preferred")
}
# The tables of an optional column are there together or not at all.
_OPTIONAL = [
    {f"{column}_offsets": f"{column}_bytes", f"concept_{column}_offsets": f"concept_{column}"} for column in COLUMNS
]

_KnowledgeBase = TypeVar("_KnowledgeBase", bound="StoredKnowledgeBase")


class StoredKnowledgeBase:
    """Concepts and their names.

    A *name* is a string as its source spells it. Names that normalise alike share one *entry*, which is what the model
    generates; an entry stands for all concepts of its names. All keep the order in which they first came.

    Attributes:
        tables: the arrays by name, as they stand in a file.
        normalization: one of NORMALIZATIONS.
        names: every distinct spelling, those of an entry side by side.
        concept_ids: the identifier of every concept.
        fingerprint: hexadecimal SHA-256 of the contents; equal for equal knowledge bases.
    """

    def __init__(self, tables: dict[str, np.ndarray], normalization: str, recorded: str | None = None) -> None:
        self.tables = tables
        self._sample_is_intact = False
        self.normalization = normalization
        self.names = self.strings("name")
        self.concept_ids = self.strings("concept")
        self.fingerprint = recorded or fingerprint(tables, normalization)

    @property
    def num_names(self) -> int:
        """Number of distinct spellings."""
        return len(self.names)

    @property
    def num_concepts(self) -> int:
        """Number of concepts."""
        return len(self.concept_ids)

    @property
    def num_entries(self) -> int:
        """Number of distinct normalised names: what a trie over this knowledge base holds."""
        return len(self.tables["entry_offsets"]) - 1

    def __repr__(self) -> str:
        sizes = f"{self.num_concepts:,} concepts, {self.num_names:,} names, {self.num_entries:,} entries"
        return f"{type(self).__name__}({sizes}, normalization={self.normalization!r})"

    # Looking up

    def entry_name(self, entry: int) -> str:
        """The spelling by which an entry is shown: the first that came."""
        return self.names[int(self.tables["entry_offsets"][entry])]

    def entry_names(self) -> Iterator[str]:
        """The normalised name of every entry, in order."""
        is_shown = np.zeros(self.num_names, dtype=bool)
        is_shown[self.tables["entry_offsets"][:-1]] = True
        return (normalize(name, self.normalization) for name in compress(self.names, is_shown.tobytes()))

    def entry_concept_ids(self, entry: int) -> tuple[str, ...]:
        """Every concept that bears the entry's name, in the order of the concepts."""
        first, last = self.tables["entry_offsets"][entry : entry + 2]
        bounds = self.tables["name_concept_offsets"]
        concepts = self.tables["name_concepts"][bounds[first] : bounds[last]]
        return tuple(self.concept_ids[concept] for concept in sorted(set(concepts.tolist())))

    def find(self, name: str) -> int | None:
        """The entry that `name` normalises to, or None. The first call builds an index in memory."""
        return self._entry_by_name.get(normalize(name, self.normalization))

    def resolve(self, concept_id: str) -> str | None:
        """The concept that an identifier, primary or alternative, stands for here; None if unknown."""
        if concept_id in self.position_by_id:
            return concept_id
        position = self._position_by_alternative.get(concept_id)
        return None if position is None else self.concept_ids[position]

    def concept(self, concept_id: str) -> Concept:
        """A concept with all its names, the preferred one first.

        Raises:
            KeyError: no concept has this id; alternative ids are looked up with `resolve`.
        """
        if concept_id not in self.position_by_id:
            raise KeyError(f"concept {concept_id!r} is not among the {self.num_concepts:,} of the knowledge base")
        return self._concept(self.position_by_id[concept_id])

    def concepts(self) -> Iterator[Concept]:
        """Every concept, in order."""
        return (self._concept(position) for position in range(self.num_concepts))

    # Files

    def save(self, path: str | Path) -> Path:
        """Write to a `.safetensors` file, or to `knowledge_base.safetensors` in a directory."""
        path = _own_file(path)
        metadata = {"format": _FORMAT, "normalization": self.normalization, "fingerprint": self.fingerprint}
        save_arrays(path, self.tables, metadata)
        return path

    @classmethod
    def load(cls: type[_KnowledgeBase], path: str | Path) -> _KnowledgeBase:
        """Open what `save` wrote; the names stay on disk until they are used. `is_intact` reads all of it.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another format.
        """
        path = _own_file(path)
        tables, metadata, is_sampled = open_arrays(path, _REQUIRED)
        if metadata.get("format") != _FORMAT or metadata.get("normalization") not in NORMALIZATIONS:
            raise ValueError(
                f"{path}: format {metadata.get('format')!r} with normalization {metadata.get('normalization')!r}; "
                f"expected {_FORMAT!r} and one of {', '.join(NORMALIZATIONS)}: build it again with KnowledgeBase.save"
            )
        _check_tables(path, tables)
        knowledge_base = cls(tables, metadata["normalization"], metadata.get("fingerprint"))
        knowledge_base._sample_is_intact = is_sampled
        return knowledge_base

    def is_intact(self, sample_suffices: bool = False) -> bool:
        """Whether the contents are those of the fingerprint; reads all, unless the sample of `load` suffices."""
        sampled = sample_suffices and self._sample_is_intact
        return sampled or fingerprint(self.tables, self.normalization) == self.fingerprint

    # Tables

    def strings(self, table: str) -> PackedStrings:
        """The strings of a column: "name", "concept", or one of COLUMNS."""
        return PackedStrings(self.tables[f"{table}_bytes"], self.tables[f"{table}_offsets"])

    @cached_property
    def names_by_concept(self) -> tuple[np.ndarray, np.ndarray]:
        """Names of each concept: offsets [num_concepts + 1] and name positions, int64."""
        concepts = self.tables["name_concepts"]
        # Checked here and not at loading, as it reads the whole table.
        if concepts.max() >= self.num_concepts:
            raise ValueError(
                f"the knowledge base gives a name to concept {int(concepts.max())}, and has {self.num_concepts:,}: "
                "its file is damaged, build it again"
            )
        names = np.repeat(np.arange(self.num_names), np.diff(self.tables["name_concept_offsets"]))
        order = np.argsort(concepts, kind="stable")
        return offsets_from_lengths(np.bincount(concepts, minlength=self.num_concepts)), names[order]

    @cached_property
    def position_by_id(self) -> dict[str, int]:
        """Concept id -> its position among the concepts."""
        return {concept_id: position for position, concept_id in enumerate(self.concept_ids)}

    @cached_property
    def _position_by_alternative(self) -> dict[str, int]:
        if "alternative_id_bytes" not in self.tables:
            return {}
        owners = np.repeat(np.arange(self.num_concepts), np.diff(self.tables["concept_alternative_id_offsets"]))
        values = self.strings("alternative_id")
        found: dict[str, int] = {}
        for owner, value in zip(owners.tolist(), self.tables["concept_alternative_id"].tolist()):
            found.setdefault(values[value], owner)
        return found

    @cached_property
    def _entry_by_name(self) -> dict[str, int]:
        # From every name and not from entries, since entries merged for a tokenizer hold several forms.
        entries = np.repeat(np.arange(self.num_entries), np.diff(self.tables["entry_offsets"]))
        normalized = (normalize(name, self.normalization) for name in self.names)
        return dict(zip(normalized, entries.tolist()))

    def _concept(self, position: int) -> Concept:
        offsets, names_by_concept = self.names_by_concept
        preferred = int(self.tables["concept_preferred"][position])
        own = names_by_concept[offsets[position] : offsets[position + 1]].tolist()
        names = tuple(self.names[name] for name in dict.fromkeys([preferred, *own]))
        return Concept(
            self.concept_ids[position], names, **{f"{name}s": self._attribute(name, position) for name in COLUMNS}
        )

    def _attribute(self, name: str, position: int) -> tuple[str, ...]:
        """The strings of an optional column for one concept."""
        if f"{name}_bytes" not in self.tables:
            return ()
        first, last = self.tables[f"concept_{name}_offsets"][position : position + 2]
        values = self.strings(name)
        return tuple(values[value] for value in self.tables[f"concept_{name}"][first:last])


def _check_tables(path: Path, tables: dict[str, np.ndarray]) -> None:
    """Refuse tables that do not fit each other; cheap on a mapped file, as only offsets are read."""
    names, concepts = len(tables["name_offsets"]), len(tables["concept_offsets"])
    fits = len(tables["name_concept_offsets"]) == names and len(tables["concept_preferred"]) == concepts - 1
    all_offsets = dict(_OFFSETS)
    for column, own in zip(COLUMNS, _OPTIONAL):
        found = [name in tables for name in (*own, *own.values())]
        if any(found):
            fits &= all(found) and len(tables[f"concept_{column}_offsets"]) == concepts
            all_offsets |= own
    if not fits:
        raise ValueError(f"{path}: its tables do not fit each other; the file is damaged: build it again")
    for offsets, values in all_offsets.items():
        check_offsets(path, offsets, tables[offsets], len(tables[values]) - values.endswith("_offsets"))


def _own_file(path: str | Path) -> Path:
    path = Path(path)
    return path if path.suffix == ".safetensors" else path / KNOWLEDGE_BASE_FILE
