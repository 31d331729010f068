"""The names and concepts that mentions are linked to, in flat arrays: opened memory-mapped."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np

from ..arrays.array_file import check_offsets, file_in, fingerprint, open_arrays, save_arrays
from ..arrays.packed_strings import PackedStrings
from ..text.reading import NORMALIZATIONS

KNOWLEDGE_BASE_FILE = "knowledge_base.safetensors"
# Optional columns of a concept: a table of strings and, for each concept, positions in it.
COLUMNS = ("alternative_id", "semantic_type", "parent", "cross_reference", "retired_id")
_FORMAT = "angel-knowledge-base-1"
# Each table of offsets, and what it points into; the offsets of entries point at names, which are offsets themselves.
_OFFSETS = {
    "name_offsets": "name_bytes",
    "entry_offsets": "name_offsets",
    "name_concept_offsets": "name_concepts",
    "concept_offsets": "concept_bytes",
}
_REQUIRED: dict[str, type] = {
    name: np.uint8 if name.endswith("_bytes") else np.signedinteger
    for name in (*_OFFSETS, *_OFFSETS.values(), "concept_preferred")
}
# The tables of an optional column are there together or not at all.
_COLUMN_OFFSETS = [
    {f"{column}_offsets": f"{column}_bytes", f"concept_{column}_offsets": f"concept_{column}"} for column in COLUMNS
]
_OPTIONAL = {
    name: np.uint8 if name.endswith("_bytes") else np.signedinteger
    for own in _COLUMN_OFFSETS
    for name in (*own, *own.values())
}

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
        opened: the metadata of the file that it was opened from.
    """

    def __init__(self, tables: dict[str, np.ndarray], normalization: str, recorded: str | None = None) -> None:
        self.tables = tables
        self.opened: dict[str, str] = {}
        self.normalization = normalization
        self.names = self.strings("name")
        self.concept_ids = self.strings("concept")
        self.fingerprint = recorded or fingerprint(tables, normalization)

    def entry_name(self, entry: int) -> str:
        """The spelling by which an entry is shown: the first that came."""
        return self.names[int(self.tables["entry_offsets"][entry])]

    def entry_concept_ids(self, entry: int) -> tuple[str, ...]:
        """Every concept that bears the entry's name, in the order of the concepts."""
        first, last = self.tables["entry_offsets"][entry : entry + 2]
        bounds = self.tables["name_concept_offsets"]
        concepts = self.tables["name_concepts"][bounds[first] : bounds[last]]
        return tuple(self.concept_ids[concept] for concept in sorted(set(concepts.tolist())))

    def save(self, path: str | Path) -> Path:
        """Write to a `.safetensors` file, or to `knowledge_base.safetensors` in a directory."""
        path = file_in(path, KNOWLEDGE_BASE_FILE)
        save_arrays(path, self.tables, self.metadata())
        return path

    def metadata(self) -> dict[str, str]:
        """What stands in the header of a saved file, beside the tables; of an opened one, all that stood there."""
        return self.opened or {"format": _FORMAT, "normalization": self.normalization, "fingerprint": self.fingerprint}

    @classmethod
    def load(cls: type[_KnowledgeBase], path: str | Path) -> _KnowledgeBase:
        """Open what `save` wrote; the names stay on disk until they are used.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another format.
        """
        path = file_in(path, KNOWLEDGE_BASE_FILE)
        tables, metadata = open_arrays(path, _REQUIRED, _OPTIONAL)
        if metadata.get("format") != _FORMAT or metadata.get("normalization") not in NORMALIZATIONS:
            raise ValueError(
                f"{path}: format {metadata.get('format')!r} with normalization {metadata.get('normalization')!r}; "
                f"expected {_FORMAT!r} and one of {', '.join(NORMALIZATIONS)}: build it again with KnowledgeBase.save"
            )
        _check_tables(path, tables)
        knowledge_base = cls(tables, metadata["normalization"], metadata.get("fingerprint"))
        knowledge_base.opened = metadata
        return knowledge_base

    def strings(self, table: str) -> PackedStrings:
        """The strings of a column: "name", "concept", or one of COLUMNS."""
        return PackedStrings(self.tables[f"{table}_bytes"], self.tables[f"{table}_offsets"])


def _check_tables(path: Path, tables: dict[str, np.ndarray]) -> None:
    """Refuse tables that do not fit each other; cheap on a mapped file, as only offsets are read."""
    names, concepts = len(tables["name_offsets"]), len(tables["concept_offsets"])
    fits = len(tables["name_concept_offsets"]) == names and len(tables["concept_preferred"]) == concepts - 1
    all_offsets = dict(_OFFSETS)
    for column, own in zip(COLUMNS, _COLUMN_OFFSETS):
        found = [name in tables for name in (*own, *own.values())]
        if any(found):
            fits &= all(found) and len(tables[f"concept_{column}_offsets"]) == concepts
            all_offsets |= own
    if not fits:
        raise ValueError(f"{path}: its tables do not fit each other; the file is damaged: build it again")
    for offsets, values in all_offsets.items():
        check_offsets(path, offsets, tables[offsets], len(tables[values]) - values.endswith("_offsets"))
