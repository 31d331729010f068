"""A knowledge base that is built, changed, and exchanged with people and other tools."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from angel_hf.arrays.ranges import offsets_from_lengths, ranges
from angel_hf.arrays.string_packing import take
from angel_hf.formats import ontologies
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.usable_terms import usable
from angel_hf.formats.vocabularies.vocabulary_format import FOLDER_FORMATS, folder_format_of
from angel_hf.knowledge_base import parquet_file
from angel_hf.knowledge_base.cross_references import concept_of, with_cross_references
from angel_hf.knowledge_base.indexed_knowledge_base import IndexedKnowledgeBase
from angel_hf.knowledge_base.retired_ids import tables_with_retired
from angel_hf.knowledge_base.stored_knowledge_base import KNOWLEDGE_BASE_FILE
from angel_hf.knowledge_base.table_builder import TableBuilder, check_list
from angel_hf.knowledge_base.table_layout import column_tables
from angel_hf.knowledge_base.update import update_tables
from angel_hf.types import Concept


class KnowledgeBase(IndexedKnowledgeBase):
    """Concepts and their names, in flat arrays that open memory-mapped; see `StoredKnowledgeBase`.

    Build one with `from_names`, `from_concepts` or `from_file`, open a saved one with `load`. None changes: methods
    that change something return a copy.
    """

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
                has no id; the message gives the row (counted from 1) and the value.
        """
        return cls(TableBuilder(normalization).build(concepts), normalization)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        normalization: str | None = None,
        selection: Selection = EVERYTHING,
        rejections: Rejections | None = None,
    ) -> KnowledgeBase:
        """Read a knowledge base in any known format.

        Known are this class's own directory, safetensors and Parquet files, and what
        `angel_hf.formats.ontologies` recognises: ontologies, and vocabularies such as MeSH, UMLS, SNOMED CT, CTD, ICD,
        Orphanet, NCBI Gene and Taxonomy, MEDIC, and tables of terms; files of these also `.gz`.

        Args:
            path: the file or directory.
            normalization: instead of the one that fits the format; own safetensors files keep theirs.
            selection: which part of a vocabulary is read, as its languages or semantic types.
            rejections: takes the records and names that cannot be used and are left out; None: a warning in the log
                tells of them. `Rejections(strict=True)` makes the first one an error.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: no known format, one that knows nothing of what is selected, or something in it cannot be used;
                the message names the file.
        """
        path = Path(path)
        if path.suffix == ".safetensors" or (path.is_dir() and folder_format_of(path) is None):
            selection.check_heeded((), f"{path}: a stored knowledge base")
            if path.is_dir() and not (path / KNOWLEDGE_BASE_FILE).is_file():
                known = ", ".join(one.name for one in FOLDER_FORMATS)
                raise FileNotFoundError(f"{path}: has no {KNOWLEDGE_BASE_FILE}; expected what was saved, or {known}")
            return cls.load(path)
        if path.suffix == ".parquet":
            selection.check_heeded((), f"{path}: Parquet")
            return cls.from_parquet(path, normalization, rejections)
        terms, recognised = ontologies.open_terms(path, selection, rejections)
        return cls._from_terms(path, terms, normalization or recognised)

    @classmethod
    def from_parquet(
        cls, path: str | Path, normalization: str | None = None, rejections: Rejections | None = None
    ) -> KnowledgeBase:
        """Read what `to_parquet` writes; only concept_id and names are required columns. Arguments as `from_file`.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: not a Parquet file, or a column or a value is not as it should be.
        """
        records, stored = parquet_file.read_terms(path)
        return cls._from_terms(path, usable(str(path), records, rejections), normalization or stored)

    @classmethod
    def _from_terms(cls, path: str | Path, terms: Iterable[Term | Retired], normalization: str) -> KnowledgeBase:
        retired: list[Retired] = []

        def concepts() -> Iterator[Concept]:
            for item in terms:
                if isinstance(item, Term):
                    yield concept_of(item)
                else:
                    retired.append(item)

        built = cls(TableBuilder(normalization, str(path)).build(concepts()), normalization)
        return built.with_retired(retired)

    def to_parquet(self, path: str | Path) -> None:
        """Write a row a concept: concept_id, names (preferred first) and its other attributes, lists of strings."""
        parquet_file.write_concepts(path, self.concepts(), self.normalization)

    # Changing

    def with_names(self, names: Mapping[str, Sequence[str]]) -> KnowledgeBase:
        """A copy with more names of its concepts, or more concepts; the preferred names stay.

        Raises:
            ValueError: a name is empty or holds control characters.
        """
        return self.updated(add=names)[0]

    def updated(
        self,
        add: Mapping[str, Sequence[str]] | KnowledgeBase | None = None,
        remove: Mapping[str, Sequence[str]] | None = None,
        remove_concepts: Iterable[str] = (),
    ) -> tuple[KnowledgeBase, np.ndarray]:
        """A copy with names removed and then others added.

        It equals what `from_concepts` builds of the concepts that stay, followed by the added ones.

        Args:
            add: `{concept_id: [name, ...]}`, of known concepts or new ones; or a knowledge base, with all attributes
                of its concepts.
            remove: `{concept_id: [name, ...]}`; where the preferred name goes, the next takes its place.
            remove_concepts: identifiers; the names that they alone bear go too.

        Returns:
            The copy, and int64 [its entries]: the entry of this knowledge base that each was, or -1 for a new one.

        Raises:
            ValueError: a concept or name to remove is not there, a concept would be left without names, no concept
                would be left, or a name to add cannot be used.
        """
        if isinstance(add, KnowledgeBase):
            if add.normalization != self.normalization:
                add = KnowledgeBase.from_concepts(add.concepts(), self.normalization)
        elif add is not None:
            add = KnowledgeBase.from_names(add, self.normalization)
        tables, origin = update_tables(self, add, remove or {}, remove_concepts)
        return KnowledgeBase(tables, self.normalization), origin

    def with_cross_references(self, terms: Iterable[Term]) -> KnowledgeBase:
        """A copy whose concepts have the cross-references that a file of another vocabulary has for them.

        `knowledge_base.with_cross_references(read_terms("mondo.json.gz"))` gives MEDIC's concepts their MONDO, UMLS and
        SNOMED CT identifiers; see `cross_references.with_cross_references`. Names and entries stay as they are.
        """
        tables = {name: table for name, table in self.tables.items() if "cross_reference" not in name}
        references = [concept.cross_references for concept in with_cross_references(self.concepts(), terms)]
        return KnowledgeBase(tables | column_tables("cross_reference", references), self.normalization)

    def with_retired(self, retired: Iterable[Retired]) -> KnowledgeBase:
        """A copy in which retired identifiers that one concept replaces are alternative ids of it.

        Those with several successors, of which a person has to choose, with one that is not known to mean the same, or
        with none do not resolve; `explain_unknown` tells what may replace them.
        """
        retired = list(retired)
        return KnowledgeBase(tables_with_retired(self, retired), self.normalization) if retired else self

    def merge_entries(self, groups: np.ndarray) -> KnowledgeBase:
        """Give entries of the same group one entry, for names that a tokenizer cannot distinguish.

        Args:
            groups: int [num_entries], the new entry of each entry, covering 0..max.
        """
        order = np.argsort(groups, kind="stable")
        names_per_entry = np.diff(self.tables["entry_offsets"])
        name_order = ranges(self.tables["entry_offsets"][:-1][order], names_per_entry[order])
        concepts_per_name = np.diff(self.tables["name_concept_offsets"])
        concept_order = ranges(self.tables["name_concept_offsets"][:-1][name_order], concepts_per_name[name_order])
        new_position = np.empty_like(name_order)
        new_position[name_order] = np.arange(len(name_order))
        names = take(self.names, name_order)
        tables = dict(self.tables)
        tables |= {
            "name_bytes": names.data,
            "name_offsets": names.offsets,
            "entry_offsets": offsets_from_lengths(np.bincount(groups, weights=names_per_entry).astype(np.int64)),
            "name_concept_offsets": offsets_from_lengths(concepts_per_name[name_order]),
            "name_concepts": self.tables["name_concepts"][concept_order],
            "concept_preferred": new_position[self.tables["concept_preferred"]],
        }
        return KnowledgeBase(tables, self.normalization)

    # Parts

    def entries_of(self, concept_ids: Collection[str]) -> np.ndarray:
        """Which entries stand for any of some concepts, by their identifiers: bool [num_entries]."""
        chosen = np.fromiter((own in concept_ids for own in self.concept_ids), dtype=bool, count=self.num_concepts)
        borne = np.concatenate([[0], np.cumsum(chosen[self.tables["name_concepts"]])])
        counts = borne[self.tables["name_concept_offsets"][self.tables["entry_offsets"]]]
        return counts[1:] > counts[:-1]
