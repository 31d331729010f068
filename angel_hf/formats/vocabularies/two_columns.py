"""Two columns without a header: an identifier and a name a row, taken where nothing else can be meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier, shown
from angel_hf.formats.vocabularies.rows import Row, quoted_rows
from angel_hf.types import Concept

_DELIMITERS = "\t,;"
# A code as vocabularies have them: no spaces, and a digit.
_IDENTIFIER = re.compile(r"(?=[^\d]{0,40}\d)[A-Za-z0-9][\w.:/#-]{0,99}")
_LETTER = re.compile(r"[^\W\d_]")
_FEWEST_ROWS = 1


def delimiter_of(head: str) -> str | None:
    """What divides identifier and name in all of the first rows; None where they are not two such columns."""
    lines = [line.rstrip("\r") for line in head.split("\n") if line.strip()]
    lines = lines[:-1] if len(lines) > 1 and not head.endswith("\n") else lines  # the last may be cut
    for delimiter in _DELIMITERS:
        pairs = [line.split(delimiter) for line in lines]
        if len(pairs) >= _FEWEST_ROWS and all(
            len(pair) == 2 and _IDENTIFIER.fullmatch(pair[0].strip()) and _LETTER.search(pair[1]) for pair in pairs
        ):
            return delimiter
    return None


def read(source: Source) -> Iterator[Term | Rejected]:
    """Stream the concepts; neighbouring rows with one identifier are one, and the first name is the preferred one.

    Raises:
        ValueError: the first rows are not of two columns, an identifier and a name.
    """
    delimiter = delimiter_of(source.head())
    if delimiter is None:
        raise ValueError("its rows are not an identifier and a name; expected `D1<tab>name`, or a header")
    concept_id, names = "", list[str]()
    for row in quoted_rows(source.lines(), delimiter):
        pair = row if isinstance(row, Rejected) else _pair(row)
        if isinstance(pair, Rejected):
            yield pair
            continue
        if pair[0] != concept_id and names:
            yield Term(Concept(concept_id, distinct_names(names)))
            names = []
        concept_id = pair[0]
        names.append(pair[1])
    if names:
        yield Term(Concept(concept_id, distinct_names(names)))


def _pair(row: Row) -> tuple[str, str] | Rejected:
    cells = [cell.strip() for cell in row.cells]
    if len(cells) != 2 or not all(cells) or not is_identifier(cells[0]):
        return Rejected(row.line, f"{shown(row.raw)}; expected an identifier and a name", row.raw)
    return cells[0], cells[1]
