"""Tables of terms with a header: `concept_id,name,synonyms`, one row a concept or one row a name, any delimiter.

So are spreadsheets, BioPortal's CSV, OMOP's CONCEPT.csv, and MedCAT's `cui,name,ontologies,name_status,type_ids,
description`.
"""

from __future__ import annotations

import ast
import json
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


@dataclass(slots=True)
class _Open:
    """A concept whose rows are being read."""

    concept_id: str
    names: list[str] = field(default_factory=list)
    preferred: list[str] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    definition: str = ""

    def term(self) -> Term:
        """What has been read of it."""
        concept = Concept(
            self.concept_id,
            distinct_names((*self.preferred, *self.names)),
            tuple(dict.fromkeys(self.alternatives)),
            tuple(dict.fromkeys(self.types)),
            tuple(dict.fromkeys(self.parents)),
        )
        return Term(concept, tuple(dict.fromkeys(self.references)), self.definition)


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
        checked = row if isinstance(row, Rejected) else _checked(row, columns)
        if isinstance(checked, Rejected):
            yield checked
            continue
        concept_id = checked["id"]
        if opened is not None and opened.concept_id != concept_id:
            yield opened.term()
            opened = None
        if checked.get("obsolete", "").lower() in _TRUE:
            yield Retired(concept_id)
            continue
        opened = opened or _Open(concept_id)
        _add(opened, checked, columns.are_names)
    if opened is not None:
        yield opened.term()


def _first_line(head: str) -> str:
    return next((line for line in head.splitlines() if line.strip()), "")


def _checked(row: Row, columns: Columns) -> dict[str, str] | Rejected:
    """The parts of a row, if it has an identifier and a name."""
    width = len(columns.header)
    if len(row.cells) > width and any(cell.strip() for cell in row.cells[width:]):
        cause = f"{len(row.cells)} cells in {shown(row.raw)}; expected {width}: {', '.join(columns.header)[:200]}"
        return Rejected(row.line, f'{cause}; a cell that holds the delimiter is quoted, "as, here"', row.raw)
    parts = {part: row.cells[place].strip() if place < len(row.cells) else "" for part, place in columns.places.items()}
    if not parts["id"]:
        return Rejected(row.line, f"no id in {shown(row.raw)}; {EXPECTED}", row.raw)
    is_obsolete = parts.get("obsolete", "").lower() in _TRUE
    if not is_obsolete and not parts["name"] and not values_of(parts.get("synonyms", "")):
        return Rejected(row.line, f"no name in {shown(row.raw)}; {EXPECTED}", row.raw)
    return parts


def _add(opened: _Open, parts: dict[str, str], are_names: bool) -> None:
    names = values_of(parts["name"]) if are_names else parts["name"].split("|")
    (opened.preferred if parts.get("status") in _PREFERRED else opened.names).extend(names)
    opened.names += values_of(parts.get("synonyms", ""))
    opened.alternatives += values_of(parts.get("alternatives", ""))
    opened.types += values_of(parts.get("types", ""))
    opened.parents += values_of(parts.get("parents", ""))
    opened.references += values_of(parts.get("references", ""))
    opened.definition = opened.definition or " ".join(parts.get("definition", "").split())


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
