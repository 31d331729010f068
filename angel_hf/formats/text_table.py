"""Tables of texts: CSV, or parted by tabs, semicolons or bars, with a header (RFC 4180 and its relatives)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from angel_hf.formats.document import Document, Section
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source

_TEXT_COLUMNS = ("text", "abstract", "sentence", "note", "body", "content")
_ID_COLUMNS = ("id", "document_id", "doc_id", "pmid", "note_id", "row_id")
_TITLE = "title"
_DELIMITERS = (",", "\t", ";", "|")
_MOST_CELL = 64 << 20
_EXPECTED = "expected a header with a column text (or abstract), and perhaps id and title"


def read_text_table(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """The texts of a table, one a row; other columns become fields. A row without an id has its line for one.

    Raises:
        ValueError: no column of texts, or bytes that are not UTF-8.
    """
    csv.field_size_limit(_MOST_CELL)
    stream = io.TextIOWrapper(source.stream(), encoding="utf-8", newline="")
    try:
        yield from _rows(csv.reader(stream, delimiter=delimiter_of(source.head()), strict=True))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{error.object[error.start]:02x}; expected UTF-8 text") from None
    finally:
        stream.detach()


def delimiter_of(head: str) -> str:
    """What parts the columns of a header: the one of comma, tab, semicolon and bar that it has most of."""
    header = head.lstrip("\r\n").partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


def _rows(reader: csv._reader) -> Iterator[Document | Rejected]:  # type: ignore[name-defined]
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield Rejected(line, f"not a row of a table ({error}); expected quotes around cells with line ends")
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if header is None:
            header = [cell.strip() for cell in row]
            columns = _columns(header)
            continue
        yield _document(row, header, columns, line)


def _columns(header: Sequence[str]) -> tuple[int, int | None, int | None]:
    """The places of text, id and title.

    Raises:
        ValueError: there is no text.
    """
    lowered = [name.casefold() for name in header]

    def place(names: Sequence[str]) -> int | None:
        return next((lowered.index(name) for name in names if name in lowered), None)

    text = place(_TEXT_COLUMNS)
    if text is None:
        raise ValueError(f"its columns are {', '.join(header)[:200]}; {_EXPECTED}")
    return text, place(_ID_COLUMNS), place((_TITLE,))


def _document(
    row: list[str], header: list[str], columns: tuple[int, int | None, int | None], line: int
) -> Document | Rejected:
    of_text, of_id, of_title = columns
    raw = "\t".join(row)
    if len(row) != len(header):
        return Rejected(line, f"{len(row)} cells; expected {len(header)}, as the header has", raw)
    text, title = row[of_text], "" if of_title is None else row[of_title]
    if not (text + title).strip():
        return Rejected(line, f"the column {header[of_text]} is empty; expected a text", raw)
    used = {of_text, of_id, of_title}
    fields = {name: cell for place, (name, cell) in enumerate(zip(header, row)) if place not in used}
    document_id = (row[of_id].strip() if of_id is not None else "") or str(line)
    if not title:
        return Document(document_id, text, (Section(0, len(text), "text"),), fields=fields, line=line, raw=raw)
    sections = (Section(0, len(title), "title"), Section(len(title) + 1, len(title) + 1 + len(text), "abstract"))
    return Document(document_id, f"{title}\n{text}", sections, fields=fields, line=line, raw=raw)
