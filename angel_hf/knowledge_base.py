"""The names and concepts that mentions are linked to."""

from __future__ import annotations

import hashlib
import importlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from .array_file import check_offsets, offsets_from_lengths, open_arrays, ranges, save_arrays
from .packed_strings import PackedStrings
from .types import Concept

KNOWLEDGE_BASE_FILE = "knowledge_base.safetensors"
_FORMAT = "angel-knowledge-base-1"

NORMALIZATIONS = ("lowercase-punctuation", "lowercase", "as-is")


class _PunctuationToSpace(dict[int, str]):
    """A table for str.translate that finds out about a character when it first meets it."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = " " if unicodedata.category(character)[0] in "PS" else character
        return self[code]


_PUNCTUATION_TO_SPACE = _PunctuationToSpace()


def normalize(text: str, normalization: str) -> str:
    """The form of a name or mention that the model reads and writes.

    "lowercase-punctuation" is the published form: lowercase, every punctuation mark or symbol
    (Unicode categories P and S) a space, runs of white space one space. "lowercase" changes letters
    only, for files that were normalised before, and "as-is" changes nothing. A text of punctuation
    alone would become empty, so it keeps its marks.

    Raises:
        ValueError: the normalization is not one of NORMALIZATIONS.
    """
    if normalization == "as-is":
        return text
    if normalization == "lowercase":
        return text.lower()
    if normalization == "lowercase-punctuation":
        lowercased = text.lower()
        return " ".join(lowercased.translate(_PUNCTUATION_TO_SPACE).split()) or lowercased.strip()
    raise ValueError(f"unknown normalization {normalization!r}; expected one of {', '.join(NORMALIZATIONS)}")


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

    def __init__(self, tables: dict[str, np.ndarray], normalization: str, fingerprint: str | None = None) -> None:
        self._tables = tables
        self.normalization = normalization
        self.names = self._strings("name")
        self.concept_ids = self._strings("concept")
        self.fingerprint = fingerprint or _fingerprint(tables, normalization)

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
            for concept_id, values in names.items():
                if isinstance(values, str):
                    raise ValueError(f"concept {concept_id!r}: expected a list of names, got the string {values!r}")
                yield Concept(concept_id, tuple(values))

        return cls.from_concepts(concepts(), normalization)

    @classmethod
    def from_concepts(cls, concepts: Iterable[Concept], normalization: str = "lowercase-punctuation") -> KnowledgeBase:
        """Build from concepts; one that comes twice is merged.

        Raises:
            ValueError: there are no names, a name is empty or holds control characters, or a concept
                has no id; the message tells the row (counted from 1) and the value.
        """
        return _Builder(normalization).build(concepts)

    @classmethod
    def from_file(cls, path: str | Path, normalization: str | None = None) -> KnowledgeBase:
        """Read a knowledge base in any known format.

        Known are this class's own directory, safetensors and Parquet files, and what
        `angel_hf.readers` recognises: GenBioEL's target_kb.json, MEDIC text, the MeSH mappings.

        Args:
            path: the file or directory.
            normalization: instead of the one that fits the format; own safetensors files keep theirs.
        """
        path = Path(path)
        if path.is_dir() or path.suffix == ".safetensors":
            return cls.load(path)
        if path.suffix == ".parquet":
            return cls.from_parquet(path, normalization)
        try:
            # By name, since the readers do not travel with a model's remote code.
            readers = importlib.import_module("angel_hf.readers")
        except ImportError as error:
            raise ImportError(f"reading {path} needs the angel-hf package: pip install angel-hf") from error
        concepts, recognised = readers.read_concepts(path)
        return cls.from_concepts(concepts, normalization or recognised)

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
        """Every concept that bears the entry's name."""
        first, last = self._tables["entry_offsets"][entry : entry + 2]
        bounds = self._tables["name_concept_offsets"]
        concepts = self._tables["name_concepts"][bounds[first] : bounds[last]]
        return tuple(self.concept_ids[concept] for concept in dict.fromkeys(concepts.tolist()))

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
        added = KnowledgeBase.from_names(names, self.normalization)

        def concepts() -> Iterator[Concept]:
            yield from self.concepts()
            yield from added.concepts()

        return KnowledgeBase.from_concepts(concepts(), self.normalization)

    # Files

    def save(self, path: str | Path) -> Path:
        """Write to a `.safetensors` file, or to `knowledge_base.safetensors` in a directory."""
        path = _own_file(path)
        metadata = {"format": _FORMAT, "normalization": self.normalization, "fingerprint": self.fingerprint}
        save_arrays(path, self._tables, metadata)
        return path

    @classmethod
    def load(cls, path: str | Path) -> KnowledgeBase:
        """Open what `save` wrote; the names stay on disk until they are used.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another format.
        """
        path = _own_file(path)
        tables, metadata = open_arrays(path, dict.fromkeys(_REQUIRED, np.integer))
        if metadata.get("format") != _FORMAT or metadata.get("normalization") not in NORMALIZATIONS:
            raise ValueError(
                f"{path}: format {metadata.get('format')!r} with normalization {metadata.get('normalization')!r}; "
                f"expected {_FORMAT!r} and one of {', '.join(NORMALIZATIONS)}: build it again with KnowledgeBase.save"
            )
        for offsets, values in _OFFSETS.items():
            if offsets in tables:
                check_offsets(path, offsets, tables[offsets], len(tables[values]) - values.endswith("_offsets"))
        return cls(tables, metadata["normalization"], metadata.get("fingerprint"))

    def to_parquet(self, path: str | Path) -> None:
        """Write one row a concept: concept_id, names (preferred first), alternative_ids, semantic_types, parents."""
        pyarrow, parquet = _parquet()
        columns = ("concept_id", "names", "alternative_ids", "semantic_types", "parents")
        rows: dict[str, list[object]] = {column: [] for column in columns}
        for concept in self.concepts():
            for column in columns:
                rows[column].append(getattr(concept, column))
        strings = pyarrow.list_(pyarrow.string())
        schema = pyarrow.schema(
            [("concept_id", pyarrow.string()), *((column, strings) for column in columns[1:])],
            metadata={"normalization": self.normalization},
        )
        temporary = Path(f"{path}.tmp")
        parquet.write_table(pyarrow.table(rows, schema=schema), temporary)
        temporary.replace(path)

    @classmethod
    def from_parquet(cls, path: str | Path, normalization: str | None = None) -> KnowledgeBase:
        """Read what `to_parquet` writes; only concept_id and names are required columns.

        Raises:
            ValueError: not a Parquet file, or a required column is missing.
        """
        pyarrow, parquet = _parquet()
        try:
            table = parquet.read_table(path)
        except pyarrow.ArrowInvalid as error:
            raise ValueError(f"{path}: not a readable Parquet file ({error})") from error
        missing = [column for column in ("concept_id", "names") if column not in table.column_names]
        if missing:
            raise ValueError(
                f"{path}: has no column {' or '.join(missing)}, only {', '.join(table.column_names)}; expected one row "
                "a concept with concept_id (string) and names (list of strings)"
            )
        stored = (table.schema.metadata or {}).get(b"normalization", b"lowercase-punctuation").decode()
        lists = [column for column in ("alternative_ids", "semantic_types", "parents") if column in table.column_names]

        def concepts() -> Iterator[Concept]:
            for batch in table.to_batches(max_chunksize=10_000):
                for row in batch.to_pylist():
                    extra = {column: tuple(row[column] or ()) for column in lists}
                    yield Concept(row["concept_id"], tuple(row["names"] or ()), **extra)

        return cls.from_concepts(concepts(), normalization or stored)

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
            **{f"{name}s": self._attribute(name, position) for name in _COLUMNS},
        )

    @cached_property
    def _names_by_concept(self) -> tuple[np.ndarray, np.ndarray]:
        """Names of each concept: offsets [num_concepts + 1] and name positions."""
        concepts = self._tables["name_concepts"]
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


# Optional columns of a concept: a table of strings and, for each concept, positions in it.
_COLUMNS = ("alternative_id", "semantic_type", "parent")
_REQUIRED = (
    "name_bytes",
    "name_offsets",
    "entry_offsets",
    "name_concept_offsets",
    "name_concepts",
    "concept_bytes",
    "concept_offsets",
    "concept_preferred",
)
# What each table of offsets points into; the offsets of entries point at names, which are offsets themselves.
_OFFSETS = {
    "name_offsets": "name_bytes",
    "entry_offsets": "name_offsets",
    "name_concept_offsets": "name_concepts",
    "concept_offsets": "concept_bytes",
} | {f"concept_{column}_offsets": f"concept_{column}" for column in _COLUMNS}


class _Builder:
    """Collects concepts row by row; `build` lays them out."""

    def __init__(self, normalization: str) -> None:
        normalize("", normalization)  # refuses an unknown one before a long read
        self.normalization = normalization
        self.concepts: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.name_entries: list[int] = []
        self.entries: dict[str, int] = {}
        self.preferred: list[int] = []
        self.pairs: dict[tuple[int, int], None] = {}
        self.columns: dict[str, list[dict[str, None]]] = {column: [] for column in _COLUMNS}

    def build(self, concepts: Iterable[Concept]) -> KnowledgeBase:
        for row, concept in enumerate(concepts, start=1):
            self._add(row, concept)
        if not self.names:
            raise ValueError("the knowledge base has no names; expected at least one concept with one name")
        tables = self._name_tables() | self._concept_tables()
        return KnowledgeBase(tables, self.normalization)

    def _add(self, row: int, concept: Concept) -> None:
        if not isinstance(concept.concept_id, str) or not concept.concept_id.strip():
            raise ValueError(f"row {row}: concept id {concept.concept_id!r} for names {concept.names!r}; expected text")
        if not concept.names:
            raise ValueError(f"row {row}: concept {concept.concept_id!r} has no names; expected at least one")
        names = [self._name(row, concept.concept_id, name) for name in concept.names]
        position = self.concepts.setdefault(concept.concept_id, len(self.concepts))
        if position == len(self.preferred):
            self.preferred.append(names[0])
            for column in _COLUMNS:
                self.columns[column].append({})
        self.pairs.update(dict.fromkeys((name, position) for name in names))
        for column in _COLUMNS:
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


def _fingerprint(tables: dict[str, np.ndarray], normalization: str) -> str:
    digest = hashlib.sha256(normalization.encode())
    for name in sorted(tables):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tables[name]).data)
    return digest.hexdigest()


def _own_file(path: str | Path) -> Path:
    path = Path(path)
    return path if path.suffix == ".safetensors" else path / KNOWLEDGE_BASE_FILE


def _parquet():  # type: ignore[no-untyped-def]
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError("reading and writing Parquet needs pyarrow: pip install pyarrow") from error
