"""Tables of terms with a header: `concept_id,name,synonyms`, one row a concept or one row a name, any delimiter.

So are spreadsheets, BioPortal's CSV, OMOP's CONCEPT.csv, and MedCAT's `cui,name,ontologies,name_status,type_ids,
description`.
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.names import distinct_names, shown, split_list
from angel_hf.formats.vocabularies.rows import Row, quoted_rows
from angel_hf.formats.vocabularies.term_columns import Columns, columns_of
from angel_hf.types import Concept

EXPECTED = (
    "expected a first line with the columns concept_id and name, and perhaps synonyms joined by a bar: "
    "`concept_id,name,synonyms`"
)
_PREFERRED = ("P", "PN", "PT")  # MedCAT's name_status, and the term types that it had before
_TRUE = ("true", "1", "yes")
_LONGEST_LIST = 1 << 20
"""Characters of a list as Python or JSON writes it."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a row says."""

    concept_id: str
    names: list[str]
    lists: dict[str, list[str]]
    definition: str
    is_preferred: bool
    is_obsolete: bool


@dataclass(slots=True)
class _Open:
    """A concept whose rows are being read."""

    concept_id: str
    preferred: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    lists: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    definition: str = ""

    def add(self, parts: _Parts) -> None:
        """Take a row."""
        (self.preferred if parts.is_preferred else self.names).extend(parts.names)
        self.names += parts.lists["synonyms"]
        for part, values in parts.lists.items():
            self.lists[part] += values
        self.definition = self.definition or parts.definition

    def term(self) -> Term:
        """What has been read of it."""
        distinct = {part: tuple(dict.fromkeys(values)) for part, values in self.lists.items()}
        names = distinct_names((*self.preferred, *self.names))
        concept = Concept(self.concept_id, names, distinct["alternatives"], distinct["types"], distinct["parents"])
        return Term(concept, distinct["references"], self.definition)


def is_term_table(head: str) -> bool:
    """Whether the first line names a column of identifiers and one of names."""
    return columns_of(_first_line(head)) is not None


def read(source: Source) -> Iterator[Term | Retired | Rejected]:
    """Stream the concepts of a table; neighbouring rows with one identifier are one concept.

    Columns are known by many names, whatever their order, letter case and delimiter: see `term_columns`. Synonyms,
    parents, types, cross-references and alternative ids are joined by bars or, without any, by semicolons, or are a
    list as JSON or Python writes it. A name with the name_status P, or the first one, is the preferred one.

    Raises:
        ValueError: no column is of identifiers, or none of names.
    """
    first = _first_line(source.head())
    columns = columns_of(first)
    if columns is None:
        came = ", ".join(one.strip() for one in first.split(max(",\t;|", key=first.count)) if one.strip()) or "missing"
        raise ValueError(f"its columns are {came[:200]}; {EXPECTED}")
    rows = quoted_rows(source.lines(), columns.delimiter)
    next(rows, None)
    opened: _Open | None = None
    for row in rows:
        parts = row if isinstance(row, Rejected) else _parts(row, columns)
        if isinstance(parts, Rejected):
            yield parts
            continue
        if opened is not None and opened.concept_id != parts.concept_id:
            yield opened.term()
            opened = None
        if parts.is_obsolete:
            yield Retired(parts.concept_id)
            continue
        opened = opened or _Open(parts.concept_id)
        opened.add(parts)
    if opened is not None:
        yield opened.term()


def _first_line(head: str) -> str:
    return next((line for line in head.split("\n") if line.strip()), "")


def _parts(row: Row, columns: Columns) -> _Parts | Rejected:
    """The parts of a row, if it has an identifier and a name."""
    width = len(columns.header)
    if len(row.cells) > width and any(cell.strip() for cell in row.cells[width:]):
        cause = f"{len(row.cells)} cells in {shown(row.raw)}; expected {width}: {', '.join(columns.header)[:200]}"
        return Rejected(row.line, f'{cause}; a cell that holds the delimiter is quoted, "as, here"', row.raw)
    cells = [*(cell.strip() for cell in row.cells), *[""] * (width - len(row.cells))]
    single = {part: cells[place] for part, place in columns.places.items()}
    lists = {part: [one for place in own for one in values_of(cells[place])] for part, own in columns.lists.items()}
    parts = _Parts(
        single["id"],
        values_of(single["name"]) if columns.are_names else split_list(single["name"]),
        lists,
        " ".join(single.get("definition", "").split()),
        single.get("status", "") in _PREFERRED,
        single.get("obsolete", "").lower() in _TRUE,
    )
    if not parts.concept_id:
        return Rejected(row.line, f"no id in {shown(row.raw)}; {EXPECTED}", row.raw)
    if not parts.is_obsolete and not parts.names and not lists["synonyms"]:
        return Rejected(row.line, f"no name in {shown(row.raw)}; {EXPECTED}", row.raw)
    return parts


def values_of(cell: str) -> list[str]:
    """The values of a cell: a list of JSON or Python, or joined by bars, or by semicolons where there is no bar."""
    if cell.startswith("[") and cell.endswith("]") and len(cell) <= _LONGEST_LIST:
        # Python warns of some backslashes.
        for read_list in (json.loads, ast.literal_eval) if "\\" not in cell else (json.loads,):
            try:
                values = read_list(cell)
            except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
                continue
            if isinstance(values, list) and all(isinstance(value, (str, int)) for value in values):
                return [text for value in values if (text := str(value).strip())]
    return split_list(cell, "|" if "|" in cell else ";")
