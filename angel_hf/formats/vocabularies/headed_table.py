"""Tab-separated files whose first line names the columns, without quoting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.vocabularies.names import shown
from angel_hf.formats.vocabularies.rows import Row, plain_rows


def headed_rows(source: Source, columns: Sequence[str]) -> Iterator[Row | Rejected]:
    """The rows below the header, their cells in the order of `columns`; a row without all of them is rejected.

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
    places = [found.index(column) for column in columns]
    width = max(places) + 1
    for row in rows:
        if isinstance(row, Rejected):
            yield row
        elif len(row.cells) < width:
            yield Rejected(
                row.line, f"{len(row.cells)} columns; expected {len(found)}, as the first line names", row.raw
            )
        else:
            yield Row(row.line, [row.cells[place] for place in places], row.raw)
