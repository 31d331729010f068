"""The lines of PubTator files: records, and what a line holds.

A record is a title line `id|t|title`, an abstract line `id|a|abstract`, tab-separated annotation lines
`id, start, end, surface, type, identifier` and relation lines `id, relation, identifier, identifier`. Offsets count
characters of title + one separator + abstract.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from angel_hf.formats.document import Annotation

TEXT_LINE = re.compile(r"([^|\t]+)\|([ta])\|(.*)", re.DOTALL)
_TITLE_LINE = re.compile(r"[^|\t]+\|t\|")
_ID_END = re.compile(r"[|\t]")
_MOST_DIGITS = 12  # of an offset; a longer number is none

NumberedLine = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Relation:
    """The fields after the document id of a relation line, such as `CID, D015738, D003693`."""

    fields: tuple[str, ...]


class LineError(ValueError):
    """A bad line of a record: its number, and what it should be."""

    def __init__(self, numbered: NumberedLine, cause: str) -> None:
        super().__init__(cause)
        self.number, self.line, self.cause = numbered[0], numbered[1], cause


def records(lines: Iterable[NumberedLine]) -> Iterator[list[NumberedLine]]:
    """The lines of each record: it starts at a title line, or after an empty line where another document's id is."""
    record: list[NumberedLine] = []
    follows_empty = True
    for number, line in lines:
        if not line.strip():
            follows_empty = True
            continue
        is_other = follows_empty and bool(record) and _id_of(line) != _id_of(record[0][1])
        if record and (is_other or _TITLE_LINE.match(line)):
            yield record
            record = []
        record.append((number, line))
        follows_empty = False
    if record:
        yield record


def text_line(numbered: NumberedLine, kind: str, document_id: str | None) -> tuple[str, str]:
    """The document id and the text of a title ("t") or abstract ("a") line.

    Raises:
        LineError: it is none, or of another document.
    """
    match = TEXT_LINE.fullmatch(numbered[1])
    noun = "title" if kind == "t" else "abstract"
    if match is None or match[2] != kind:
        raise LineError(numbered, f"expected a {noun} line `{document_id or 'id'}|{kind}|{noun}`")
    if document_id is not None and match[1] != document_id:
        raise LineError(numbered, f"the {noun} is of document {match[1]!r}; expected {document_id!r}")
    return match[1], match[3]


def annotation_line(numbered: NumberedLine, document_id: str, text: str) -> Annotation | Relation:
    """What a line after the abstract holds; the surface is as the file spells it.

    Raises:
        LineError: it is neither, of another document, or its span does not fit the text.
    """
    found_id, *fields = numbered[1].split("\t")
    if found_id != document_id:
        raise LineError(numbered, f"the line belongs to {found_id!r}; expected document {document_id!r}")
    if len(fields) >= 4 and fields[0].isdecimal():
        return _annotation(numbered, fields, len(text))
    if len(fields) >= 3 and not fields[0].isdecimal():
        return Relation(tuple(fields))
    expected = "expected `id, start, end, surface, type[, identifier]` or `id, relation, identifier, identifier`"
    raise LineError(numbered, f"{len(fields) + 1} tab-separated fields; {expected}")


def _annotation(numbered: NumberedLine, fields: list[str], length: int) -> Annotation:
    start, end, surface, kind = fields[:4]
    for name, offset in (("start", start), ("end", end)):
        if not offset.isdecimal() or len(offset) > _MOST_DIGITS:
            raise LineError(numbered, f"{name} offset {offset[:40]!r}; expected a number of characters")
    first, last = int(start), int(end)
    if not first < last <= length:
        cause = f"span {first}:{last} does not fit the text of {length} characters"
        raise LineError(numbered, f"{cause}; expected 0 <= start < end <= length of title + 1 + abstract")
    return Annotation(first, last, surface, kind, fields[4] if len(fields) > 4 else None, tuple(fields[5:]))


def _id_of(line: str) -> str:
    return _ID_END.split(line, maxsplit=1)[0]
