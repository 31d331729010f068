"""Tab-separated files whose first line names the columns, without quoting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.vocabularies.names import shown
from angel_hf.formats.vocabularies.rows import Row, plain_rows


def headed_rows(source: Source, columns: Sequence[str]) -> Iterator[Row | Rejected]:
    """The rows below the header, their cells in the order of two or more `columns`; a row without them is rejected.

    Raises:
        ValueError: the header lacks a column.
    """
    rows = plain_rows(source.lines())
    header = next(rows, None)
    found = [cell.strip() for cell in header.cells] if isinstance(header, Row) else []
    lacking = [column for column in columns if column not in found]
    if lacking:
        came = shown(header.raw) if header is not None else "nothing"
        raise ValueError(f"its first line is {came}; expected columns {', '.join(lacking)}, separated by tabs")
    chosen = itemgetter(*(found.index(column) for column in columns))
    width = max(found.index(column) for column in columns) + 1
    for row in rows:
        if isinstance(row, Rejected):
            yield row
        elif len(row.cells) < width:
            cause = f"{len(row.cells)} columns; expected {len(found)}, as the first line names"
            yield Rejected(row.line, cause, row.raw)
        else:
            row.cells = list(chosen(row.cells))
            yield row
