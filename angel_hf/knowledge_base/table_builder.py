"""The flat tables of a knowledge base, built of concepts row by row."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from angel_hf.arrays.ranges import offsets_from_lengths
from angel_hf.arrays.string_collector import StringCollector
from angel_hf.formats.term import fault_of
from angel_hf.jobs.progress import progress_bar
from angel_hf.knowledge_base.stored_knowledge_base import COLUMNS
from angel_hf.knowledge_base.table_layout import Bearers, Column, lay_out
from angel_hf.text.reading import normalize
from angel_hf.types import Concept


class TableBuilder:
    """Collects concepts row by row, then lays them out.

    All is packed, so that tens of millions of names take a few times the memory of their letters.

    Args:
        normalization: one of `text.reading.NORMALIZATIONS`.
        source: the file of the concepts, named in errors.
    """

    def __init__(self, normalization: str, source: str = "") -> None:
        normalize("", normalization)  # refuses an unknown one before a long read
        self.normalization = normalization
        self.where = f"{source}: " if source else ""
        self._concepts = StringCollector()  # one a row
        self._names = StringCollector()
        self._entries = StringCollector()  # the names again, normalised
        self._names_per_row = array("i")
        self._columns = {column: (StringCollector(), array("i")) for column in COLUMNS}  # values, and how many a row

    def build(self, concepts: Iterable[Concept]) -> dict[str, np.ndarray]:
        """The tables of a KnowledgeBase.

        Raises:
            ValueError: there are no names, a string is empty or holds control characters, or a concept
                has no id; the message gives the row (counted from 1) and the value.
        """
        for row, concept in enumerate(progress_bar(concepts, "concept", "reading"), start=1):
            self._add(row, concept)
        if not len(self._names):
            raise ValueError(
                f"{self.where}the knowledge base has no names; expected at least one concept with one name"
            )
        return lay_out(self._bearers())

    def _add(self, row: int, concept: Concept) -> None:
        concept_id = concept.concept_id
        if not _is_plain(concept_id):
            check_text(concept_id, f"{self._row(row)}: concept id {concept_id!r} for names {concept.names!r}")
        if type(concept.names) is not tuple:
            check_list(concept.names, f"{self._row(row)}: names of concept {concept_id!r}")
        if not concept.names:
            raise ValueError(f"{self._row(row)}: concept {concept_id!r} has no names; expected at least one")
        for name in concept.names:
            if not _is_plain(name):
                check_text(name, f"{self._row(row)}: name {name!r} of concept {concept_id!r}")
        self._concepts.add((concept_id,))
        self._names.add(concept.names)
        self._entries.add(normalize(name, self.normalization) for name in concept.names)
        self._names_per_row.append(len(concept.names))
        for column, (collector, per_row) in self._columns.items():
            values = getattr(concept, f"{column}s")
            if values != ():
                self._check_values(row, concept_id, column, values)
                collector.add(values)
            per_row.append(len(values))

    def _check_values(self, row: int, concept_id: str, column: str, values: Any) -> None:
        check_list(values, f"{self._row(row)}: {column}s of concept {concept_id!r}")
        for value in values:
            check_text(value, f"{self._row(row)}: {column} {value!r} of concept {concept_id!r}")

    def _row(self, row: int) -> str:
        return f"{self.where}row {row}"

    def _bearers(self) -> Bearers:
        """The distinct names and concepts; the collectors are freed on the way."""
        entries = self._entries.distinct()[2]
        del self._entries
        names, first_position, pair_names = self._names.distinct()
        del self._names
        concept_ids, first_row, concept_of_row = self._concepts.distinct()
        del self._concepts
        names_per_row = np.frombuffer(self._names_per_row, dtype=np.int32)
        return Bearers(
            names=names,
            entries=entries[first_position],
            concept_ids=concept_ids,
            preferred=pair_names[offsets_from_lengths(names_per_row)[first_row]],
            pair_names=pair_names,
            pair_concepts=np.repeat(concept_of_row, names_per_row),
            columns={
                name: self._column(collector, per_row, concept_of_row)
                for name, (collector, per_row) in self._columns.items()
                if len(collector)
            },
        )

    @staticmethod
    def _column(collector: StringCollector, per_row: array[int], concept_of_row: np.ndarray) -> Column:
        strings, _, values = collector.distinct()
        return Column(strings, values, np.repeat(concept_of_row, np.frombuffer(per_row, dtype=np.int32)))


def _is_plain(text: Any) -> bool:
    """Whether a text surely passes `check_text`; much faster."""
    return type(text) is str and text.isprintable() and not text.isspace() and text != ""


def check_list(values: Any, what: str) -> None:
    """Refuse a string, whose characters would be taken one by one, and anything that is no list."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"{what} are {values!r}; expected a list of strings")


def check_text(text: Any, what: str) -> None:
    """Refuse anything but a string that is not empty and can be shown and stored."""
    fault = fault_of(text)
    if fault is not None:
        raise ValueError(f"{what} {fault}")
