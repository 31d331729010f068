"""The names and concepts that mentions are linked to."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ..arrays.array_file import check_offsets, fingerprint, offsets_from_lengths, open_arrays, ranges, save_arrays
from ..arrays.content_check import digest_metadata, sample_is_intact
from ..arrays.packed_strings import PackedStrings
from ..text.reading import NORMALIZATIONS, normalize
from ..types import Concept
from .parquet_file import read_concepts, write_concepts
from .table_builder import COLUMNS, TableBuilder, check_list
from .update import update_tables

KNOWLEDGE_BASE_FILE = "knowledge_base.safetensors"
_FORMAT = "angel-knowledge-base-1"


class KnowledgeBase:
    """Concepts and their names, in flat arrays that open memory-mapped.

    A *name* is a string as its source spells it. Names that normalise alike share one *entry*, which
    is what the model generates; an entry stands for all concepts of its names. Build one with
    `from_names`, `from_concepts` or `from_file`; entries, names and concepts keep the order in which
    they first came.

    Attributes:
        normalization: one of NORMALIZATIONS.
        names: every distinct spelling, those of an entry side by side.
        concept_ids: the identifier of every concept.
        fingerprint: hexadecimal SHA-256 of the contents; equal for equal knowledge bases.
    """

    def __init__(self, tables: dict[str, np.ndarray], normalization: str, recorded: str | None = None) -> None:
        self._tables = tables
        self._sample_is_intact = False
        self.normalization = normalization
        self.names = self._strings("name")
        self.concept_ids = self._strings("concept")
        self.fingerprint = recorded or fingerprint(tables, normalization)

    # Building

    @classmethod
    def from_names(
        cls, names: Mapping[str, Sequence[str]], normalization: str = "lowercase-punctuation"
    ) -> KnowledgeBase:
        """Build from `{concept_id: [name, ...]}`; the first name is the preferred one.

        Raises:
            ValueError: there are no names, or one is empty or holds control characters.
        """

        def concepts() -> Iterator[Concept]:
            for row, (concept_id, values) in enumerate(names.items(), start=1):
                check_list(values, f"row {row}: names of concept {concept_id!r}")
                yield Concept(concept_id, tuple(values))

        return cls.from_concepts(concepts(), normalization)

    @classmethod
    def from_concepts(cls, concepts: Iterable[Concept], normalization: str = "lowercase-punctuation") -> KnowledgeBase:
        """Build from concepts; one that comes twice is merged.

        Raises:
            ValueError: there are no names, a name is empty or holds control characters, or a concept
                has no id; the message tells the row (counted from 1) and the value.
        """
        return cls(TableBuilder(normalization).build(concepts), normalization)

    @classmethod
    def from_file(cls, path: str | Path, normalization: str | None = None) -> KnowledgeBase:
        """Read a knowledge base in any known format.

        Known are this class's own directory, safetensors and Parquet files, and what
        `angel_hf.formats.ontologies` recognises: GenBioEL's target_kb.json, MEDIC text, the MeSH mappings, OBO, and
        JSON lists of terms; of these also `.gz`.

        Args:
            path: the file or directory.
            normalization: instead of the one that fits the format; own safetensors files keep theirs.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: no known format, or something in it cannot be used; the message names the file.
        """
        path = Path(path)
        if path.is_dir() or path.suffix == ".safetensors":
            return cls.load(path)
        if path.suffix == ".parquet":
            return cls.from_parquet(path, normalization)
        try:
            # By name, since the readers do not travel with a model's remote code.
            readers = importlib.import_module("angel_hf.formats.ontologies")
        except ImportError as error:
            raise ImportError(f"reading {path} needs the angel-hf package: pip install angel-hf") from error
        concepts, recognised = readers.read_concepts(path)
        return cls._from_file(path, concepts, normalization or recognised)

    # Looking up

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
        return len(self._tables["entry_offsets"]) - 1

    def __repr__(self) -> str:
        return (
            f"KnowledgeBase({self.num_concepts:,} concepts, {self.num_names:,} names, "
            f"{self.num_entries:,} entries, normalization={self.normalization!r})"
        )

    def entry_name(self, entry: int) -> str:
        """The spelling by which an entry is shown: the first that came."""
        return self.names[int(self._tables["entry_offsets"][entry])]

    def entry_names(self) -> Iterator[str]:
        """The normalised name of every entry, in order."""
        shown = self.names.take(self._tables["entry_offsets"][:-1])
        return (normalize(name, self.normalization) for name in shown)

    def entry_concept_ids(self, entry: int) -> tuple[str, ...]:
        """Every concept that bears the entry's name, in the order of the concepts."""
        first, last = self._tables["entry_offsets"][entry : entry + 2]
        bounds = self._tables["name_concept_offsets"]
        concepts = self._tables["name_concepts"][bounds[first] : bounds[last]]
        return tuple(self.concept_ids[concept] for concept in sorted(set(concepts.tolist())))

    def entries_of(self, concept_ids: Collection[str]) -> np.ndarray:
        """Which entries stand for any of some concepts, by their identifiers: bool [num_entries]."""
        wanted = np.fromiter((own in concept_ids for own in self.concept_ids), dtype=bool, count=self.num_concepts)
        borne = np.concatenate([[0], np.cumsum(wanted[self._tables["name_concepts"]])])
        counts = borne[self._tables["name_concept_offsets"][self._tables["entry_offsets"]]]
        return counts[1:] > counts[:-1]

    def find(self, name: str) -> int | None:
        """The entry that `name` normalises to, or None. The first call builds an index in memory."""
        return self._entry_by_name.get(normalize(name, self.normalization))

    def resolve(self, concept_id: str) -> str | None:
        """The concept that an identifier, primary or alternative, stands for here; None if unknown."""
        if concept_id in self._concept_by_id:
            return concept_id
        position = self._concept_by_alternative.get(concept_id)
        return None if position is None else self.concept_ids[position]

    def concept(self, concept_id: str) -> Concept:
        """A concept with all its names, the preferred one first.

        Raises:
            KeyError: no concept has this id; alternative ids are looked up with `resolve`.
        """
        if concept_id not in self._concept_by_id:
            raise KeyError(f"concept {concept_id!r} is not among the {self.num_concepts:,} of the knowledge base")
        return self._concept(self._concept_by_id[concept_id])

    def concepts(self) -> Iterator[Concept]:
        """Every concept, in order."""
        return (self._concept(position) for position in range(self.num_concepts))

    # Changing

    def merge_entries(self, groups: np.ndarray) -> KnowledgeBase:
        """Give entries of the same group one entry, for names that a tokenizer cannot tell apart.

        Args:
            groups: int [num_entries], the new entry of each entry, covering 0..max.
        """
        order = np.argsort(groups, kind="stable")
        names_per_entry = np.diff(self._tables["entry_offsets"])
        name_order = ranges(self._tables["entry_offsets"][:-1][order], names_per_entry[order])
        concepts_per_name = np.diff(self._tables["name_concept_offsets"])
        concept_order = ranges(self._tables["name_concept_offsets"][:-1][name_order], concepts_per_name[name_order])
        new_position = np.empty_like(name_order)
        new_position[name_order] = np.arange(len(name_order))
        names = self.names.take(name_order)
        tables = dict(self._tables)
        tables |= {
            "name_bytes": names.data,
            "name_offsets": names.offsets,
            "entry_offsets": offsets_from_lengths(np.bincount(groups, weights=names_per_entry).astype(np.int64)),
            "name_concept_offsets": offsets_from_lengths(concepts_per_name[name_order]),
            "name_concepts": self._tables["name_concepts"][concept_order],
            "concept_preferred": new_position[self._tables["concept_preferred"]],
        }
        return KnowledgeBase(tables, self.normalization)

    def with_names(self, names: Mapping[str, Sequence[str]]) -> KnowledgeBase:
        """A copy with more names of its concepts, or more concepts; the preferred names stay."""
        return self.updated(add=names)[0]

    def without_names(self, names: Mapping[str, Sequence[str]]) -> KnowledgeBase:
        """A copy in which concepts lack some of their names; where the preferred one goes, the next takes its place.

        Raises:
            ValueError: a concept or name is not there, or a concept would be left without names.
        """
        return self.updated(remove=names)[0]

    def without_concepts(self, concept_ids: Iterable[str]) -> KnowledgeBase:
        """A copy without some concepts, and without the names that they alone bear.

        Raises:
            ValueError: a concept is not there, or none would be left.
        """
        return self.updated(remove_concepts=concept_ids)[0]

    def updated(
        self,
        add: Mapping[str, Sequence[str]] | KnowledgeBase | None = None,
        remove: Mapping[str, Sequence[str]] | None = None,
        remove_concepts: Iterable[str] = (),
    ) -> tuple[KnowledgeBase, np.ndarray]:
        """A copy with names removed and then others added.

        It is what `from_concepts` makes of the concepts that stay, followed by the added ones.

        Args:
            add: as for `with_names`; or a knowledge base, with all that it tells of its concepts.
            remove: as for `without_names`.
            remove_concepts: as for `without_concepts`.

        Returns:
            The copy, and int64 [its entries]: the entry of this knowledge base that each was, or -1 for a new one.

        Raises:
            ValueError: as those; or a name to add cannot be used.
        """
        if isinstance(add, KnowledgeBase):
            if add.normalization != self.normalization:
                add = KnowledgeBase.from_concepts(add.concepts(), self.normalization)
        elif add is not None:
            add = KnowledgeBase.from_names(add, self.normalization)
        tables, origin = update_tables(self, add, remove or {}, remove_concepts)
        return KnowledgeBase(tables, self.normalization), origin

    # Files

    def save(self, path: str | Path) -> Path:
        """Write to a `.safetensors` file, or to `knowledge_base.safetensors` in a directory."""
        path = _own_file(path)
        metadata = {"format": _FORMAT, "normalization": self.normalization, "fingerprint": self.fingerprint}
        save_arrays(path, self._tables, metadata | digest_metadata(self._tables))
        return path

    @classmethod
    def load(cls, path: str | Path) -> KnowledgeBase:
        """Open what `save` wrote; the names stay on disk until they are used.

        Of a file of more than 64 MiB a sample is compared with the digests in it; `is_intact` reads all.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another format.
        """
        path = _own_file(path)
        tables, metadata = open_arrays(path, _REQUIRED)
        if metadata.get("format") != _FORMAT or metadata.get("normalization") not in NORMALIZATIONS:
            raise ValueError(
                f"{path}: format {metadata.get('format')!r} with normalization {metadata.get('normalization')!r}; "
                f"expected {_FORMAT!r} and one of {', '.join(NORMALIZATIONS)}: build it again with KnowledgeBase.save"
            )
        _check_tables(path, tables)
        intact = sample_is_intact(tables, metadata)
        if intact is False:
            raise ValueError(f"{path}: its contents are not those that were saved, the file is damaged: build it again")
        knowledge_base = cls(tables, metadata["normalization"], metadata.get("fingerprint"))
        knowledge_base._sample_is_intact = bool(intact)
        return knowledge_base

    def is_intact(self, sample_suffices: bool = False) -> bool:
        """Whether the contents are those that the fingerprint was made of; reads all of a mapped file.

        Args:
            sample_suffices: do not read a file of which `load` found a sample to be intact.
        """
        if sample_suffices and self._sample_is_intact:
            return True
        return fingerprint(self._tables, self.normalization) == self.fingerprint

    def to_parquet(self, path: str | Path) -> None:
        """Write one row a concept: concept_id, names (preferred first), alternative_ids, semantic_types, parents."""
        write_concepts(path, self.concepts(), self.normalization)

    @classmethod
    def from_parquet(cls, path: str | Path, normalization: str | None = None) -> KnowledgeBase:
        """Read what `to_parquet` writes; only concept_id and names are required columns.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: not a Parquet file, or a column or a value is not as it should be.
        """
        concepts, stored = read_concepts(path)
        return cls._from_file(path, concepts, normalization or stored)

    @classmethod
    def _from_file(cls, path: str | Path, concepts: Iterable[Concept], normalization: str) -> KnowledgeBase:
        return cls(TableBuilder(normalization, str(path)).build(concepts), normalization)

    # Inside

    def _strings(self, table: str) -> PackedStrings:
        return PackedStrings(self._tables[f"{table}_bytes"], self._tables[f"{table}_offsets"])

    def _attribute(self, name: str, position: int) -> tuple[str, ...]:
        """The strings of an optional column for one concept."""
        if f"{name}_bytes" not in self._tables:
            return ()
        first, last = self._tables[f"concept_{name}_offsets"][position : position + 2]
        values = self._strings(name)
        return tuple(values[value] for value in self._tables[f"concept_{name}"][first:last])

    def _concept(self, position: int) -> Concept:
        offsets, names_by_concept = self._names_by_concept
        preferred = int(self._tables["concept_preferred"][position])
        own = names_by_concept[offsets[position] : offsets[position + 1]].tolist()
        ordered = dict.fromkeys([preferred, *own])
        return Concept(
            self.concept_ids[position],
            tuple(self.names[name] for name in ordered),
            **{f"{name}s": self._attribute(name, position) for name in COLUMNS},
        )

    @cached_property
    def _names_by_concept(self) -> tuple[np.ndarray, np.ndarray]:
        """Names of each concept: offsets [num_concepts + 1] and name positions."""
        concepts = self._tables["name_concepts"]
        # Looked at here and not at loading, as it reads the whole table.
        if concepts.max() >= self.num_concepts:
            raise ValueError(
                f"the knowledge base gives a name to concept {int(concepts.max())}, and has {self.num_concepts:,}: "
                "its file is damaged, build it again"
            )
        names = np.repeat(np.arange(self.num_names), np.diff(self._tables["name_concept_offsets"]))
        order = np.argsort(concepts, kind="stable")
        return offsets_from_lengths(np.bincount(concepts, minlength=self.num_concepts)), names[order]

    @cached_property
    def _entry_by_name(self) -> dict[str, int]:
        # From every name and not from entries, since entries merged for a tokenizer hold several forms.
        entries = np.repeat(np.arange(self.num_entries), np.diff(self._tables["entry_offsets"]))
        normalized = (normalize(name, self.normalization) for name in self.names)
        return dict(zip(normalized, entries.tolist()))

    @cached_property
    def _concept_by_id(self) -> dict[str, int]:
        return {concept_id: position for position, concept_id in enumerate(self.concept_ids)}

    @cached_property
    def _concept_by_alternative(self) -> dict[str, int]:
        if "alternative_id_bytes" not in self._tables:
            return {}
        owners = np.repeat(np.arange(self.num_concepts), np.diff(self._tables["concept_alternative_id_offsets"]))
        values = self._strings("alternative_id")
        found: dict[str, int] = {}
        for owner, value in zip(owners.tolist(), self._tables["concept_alternative_id"].tolist()):
            found.setdefault(values[value], owner)
        return found


_REQUIRED: dict[str, type] = {
    "name_bytes": np.uint8,
    "name_offsets": np.integer,
    "entry_offsets": np.integer,
    "name_concept_offsets": np.integer,
    "name_concepts": np.integer,
    "concept_bytes": np.uint8,
    "concept_offsets": np.integer,
    "concept_preferred": np.integer,
}
# The tables of an optional column are there together or not at all.
_OPTIONAL = [
    (f"{column}_bytes", f"{column}_offsets", f"concept_{column}", f"concept_{column}_offsets") for column in COLUMNS
]
# What each table of offsets points into; the offsets of entries point at names, which are offsets themselves.
_OFFSETS = {
    "name_offsets": "name_bytes",
    "entry_offsets": "name_offsets",
    "name_concept_offsets": "name_concepts",
    "concept_offsets": "concept_bytes",
} | {offsets: values for own in _OPTIONAL for values, offsets in (own[:2], own[2:])}


def _check_tables(path: Path, tables: dict[str, np.ndarray]) -> None:
    """Refuse tables that do not fit each other; cheap on a mapped file, as only offsets are read."""
    partial = [own for own in _OPTIONAL if 0 < sum(name in tables for name in own) < len(own)]
    names, concepts = len(tables["name_offsets"]), len(tables["concept_offsets"])
    fits = len(tables["name_concept_offsets"]) == names and len(tables["concept_preferred"]) == concepts - 1
    fits &= all(len(tables[own[-1]]) == concepts for own in _OPTIONAL if own[-1] in tables)
    if partial or not fits:
        raise ValueError(f"{path}: its tables do not fit each other; the file is damaged: build it again")
    for offsets, values in _OFFSETS.items():
        if offsets in tables:
            check_offsets(path, offsets, tables[offsets], len(tables[values]) - values.endswith("_offsets"))


def _own_file(path: str | Path) -> Path:
    path = Path(path)
    return path if path.suffix == ".safetensors" else path / KNOWLEDGE_BASE_FILE
