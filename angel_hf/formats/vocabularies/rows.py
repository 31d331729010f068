"""Rows of delimited text: plain ones, and those whose cells may be quoted as in RFC 4180."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from angel_hf.formats.lines import Line
from angel_hf.formats.rejected import Rejected

MOST_LINES_OF_A_ROW = 50
"""A quoted cell may hold line breaks; a quotation mark not closed within these lines costs its own line only."""


@dataclass(slots=True)  # frozen ones take longer to make than to split the line
class Row:
    """The cells of a row, and the line that it starts on, counted from 1."""

    line: int
    cells: list[str]
    raw: str


def plain_rows(lines: Iterable[Line], delimiter: str = "\t") -> Iterator[Row | Rejected]:
    """The rows of a format without quoting, a line a row; lines that are empty are passed over."""
    for line in lines:
        if line.fault is not None:
            yield Rejected(line.number, line.fault, line.text)
        elif line.text and not line.text.isspace():
            yield Row(line.number, line.text.split(delimiter), line.text)


def quoted_rows(lines: Iterable[Line], delimiter: str) -> Iterator[Row | Rejected]:
    """The rows of a format whose cells may be quoted, and then hold delimiters and line breaks.

    In tab-separated text a cell such as `"Green" fever` is taken as it stands.
    """
    ahead = _Lines(lines)
    while (line := ahead.next()) is not None:
        if line.fault is not None:
            yield Rejected(line.number, line.fault, line.text)
        elif '"' not in line.text:
            if line.text and not line.text.isspace():
                yield Row(line.number, line.text.split(delimiter), line.text)
        else:
            yield _quoted(line, ahead, delimiter)


def parsed_row(text: str, delimiter: str) -> list[str]:
    """The cells of one row.

    Raises:
        csv.Error: a quotation mark is not closed, or stands where none may.
    """
    return next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))


class _Lines:
    """Lines of which some can be put back."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._back: deque[Line] = deque()

    def next(self) -> Line | None:
        return self._back.popleft() if self._back else next(self._lines, None)

    def put_back(self, lines: list[Line]) -> None:
        self._back.extendleft(reversed(lines))


def _quoted(first: Line, ahead: _Lines, delimiter: str) -> Row | Rejected:
    """The row that starts on a line with a quotation mark; it takes further lines as long as a cell is open."""
    text, taken = first.text, list[Line]()
    while True:
        # A line without a mark can't close the cell.
        if not taken or '"' in taken[-1].text:
            try:
                return Row(first.number, parsed_row(text, delimiter), text)
            except csv.Error as error:
                cause = str(error)
            if cause != "unexpected end of data":
                break
        line = ahead.next() if len(taken) < MOST_LINES_OF_A_ROW else None
        if line is None or line.fault is not None:
            ahead.put_back([] if line is None else [line])
            break
        taken.append(line)
        text += "\n" + line.text
    ahead.put_back(taken)
    if delimiter == "\t" and not taken:
        return Row(first.number, first.text.split(delimiter), first.text)
    return Rejected(
        first.number,
        "a cell opens with a quotation mark that is not closed, or has text after it; expected marks inside a quoted "
        'cell doubled, as in "a ""b"" c"',
        first.text,
    )
