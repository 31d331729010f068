"""The documents of a window: rows that were read as texts with mentions, and rows that could not be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow
from pyarrow import types

from angel_hf.bulk.job import Options
from angel_hf.formats.reading import refuse_utf16_units
from angel_hf.types import Mention


@dataclass(frozen=True, slots=True)
class Document:
    """A row that can be linked; without mentions yet where they are to be detected.

    Args:
        row: position in the window.
        text: as it came.
        mentions: in the row's order.
    """

    row: int
    text: str
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be linked, by its position in the window, and why."""

    row: int
    cause: str


def read_documents(rows: pyarrow.Table, options: Options) -> Iterator[Document | RejectedRow]:
    """Each row of a window as a document, or rejected.

    Args:
        rows: with the columns that `options` names.
        options: those of the run.
    """
    identified = rows[options.columns.id].is_valid()
    texts = _plain(rows[options.columns.text])
    spans = None if options.detect else rows[options.columns.spans]
    for row in range(rows.num_rows):
        try:
            if not identified[row].as_py():
                raise ValueError(f"{options.columns.id} is null; expected an identifier of the document")
            text = _text(texts[row].as_py(), options.columns.text)
            mentions = () if spans is None else _mentions(text, spans[row].as_py(), options.columns.spans)
        except ValueError as error:
            yield RejectedRow(row, str(error))
        else:
            yield Document(row, text, mentions)


def _plain(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Text as bytes, so that a row that is not UTF-8 can be named."""
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pyarrow.large_binary())


def _text(data: bytes | None, name: str) -> str:
    if data is None:
        raise ValueError(f"{name} is null; expected a string")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name} is not UTF-8: byte 0x{data[error.start]:02x} at place {error.start + 1}; expected UTF-8 text"
        ) from None


def _mentions(text: str, spans: list[Any] | None, name: str) -> tuple[Mention, ...]:
    if spans is None:
        raise ValueError(f"{name} is null; expected a list, empty where there are no mentions")
    mentions = tuple(_mention(text, number, span) for number, span in enumerate(spans, start=1))
    refuse_utf16_units(text, [(one.start, one.end) for one in mentions])
    return mentions


def _mention(text: str, number: int, span: Any) -> Mention:
    offsets = [span["start"], span["end"]] if isinstance(span, dict) else span
    if offsets is None or len(offsets) != 2 or None in offsets:
        raise ValueError(f"span {number} is {span!r:.80}; expected [start, end], two whole numbers")
    try:
        return Mention(text, *offsets)
    except ValueError as error:
        raise ValueError(f"span {number}: {error}") from None
