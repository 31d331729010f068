"""ICD-11 as WHO's simple tabulation: `SimpleTabulation-ICD-11-MMS-en.txt`, `LinearizationMiniOutput-MMS-en.txt`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier, shown
from angel_hf.formats.vocabularies.rows import Row, quoted_rows
from angel_hf.types import Concept

_REQUIRED = ("code", "title", "classkind")
# `- - Cholera`: a dash for each step below the chapter.
_TITLE = re.compile(r"(?P<dashes>(?:-\s+)*)(?P<name>.+)", re.DOTALL)
_LETTERS = re.compile(r"[^a-z0-9]+")


def is_icd11(head: str) -> bool:
    """Whether the first line names the columns of a simple tabulation."""
    first = head.lstrip("\n\r").partition("\n")[0]
    return any(set(_REQUIRED) <= set(_columns(first.split(delimiter))) for delimiter in "\t,;")


def read(source: Source) -> Iterator[Term | Rejected]:
    """Stream the entities of a simple tabulation: categories by code, blocks by block id, chapters by number.

    The parent is the entity one dash up. An entity's foundation id is a cross-reference, `ICD11:257068234`.

    Raises:
        ValueError: the first line does not name the columns.
    """
    first = source.head().lstrip("\n\r").partition("\n")[0]
    delimiter = max("\t,;", key=first.count)
    rows = quoted_rows(source.lines(), delimiter)
    header = next(rows, None)
    columns = _columns(header.cells) if isinstance(header, Row) else []
    if not set(_REQUIRED) <= set(columns):
        raise ValueError(f"its first line is {shown(first)}; expected columns Code, Title and ClassKind")
    above: list[str] = []  # the entity of each depth
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        cells = {column: cell.strip() for column, cell in zip(columns, row.cells)}
        match = _TITLE.fullmatch(cells.get("title", ""))
        concept_id = cells.get("code") or cells.get("blockid") or cells.get("chapterno") or ""
        if not match or not is_identifier(concept_id):
            lacking = "Title" if not match else "Code, BlockId or ChapterNo"
            yield Rejected(row.line, f"a row without {lacking}; expected one", row.raw)
            continue
        depth = match["dashes"].count("-")
        del above[depth:]
        parents = above[-1:]
        # A step that is left out has no entity of its own.
        above += [*([parents[0] if parents else concept_id] * (depth - len(above))), concept_id]
        foundation = cells.get("foundationuri", "").rstrip("/").rpartition("/")[2]
        references = (f"ICD11:{foundation}",) if foundation.isdecimal() else ()
        yield Term(Concept(concept_id, distinct_names((match["name"],)), parents=tuple(parents)), references)


def _columns(cells: list[str]) -> list[str]:
    return [_LETTERS.sub("", cell.lower()) for cell in cells]
