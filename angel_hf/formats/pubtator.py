"""PubTator, the format of the NCBI-disease, BC5CDR and MedMentions corpora.

A record is a title line `id|t|title`, an abstract line `id|a|abstract`, tab-separated annotation lines
`id, start, end, surface, type, identifier` and relation lines `id, relation, identifier, identifier`; an
empty line ends it. Offsets count characters of title + one separator + abstract.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from angel_hf.formats.document import Annotation
from angel_hf.formats.lines import open_lines

OnError = Callable[[int, str, str], None]

_TEXT_LINE = re.compile(r"([^|\t]+)\|([ta])\|(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PubtatorDocument:
    """A title and an abstract with their annotations.

    `relations` keeps the fields after the document id of every relation line, in file order, for example
    `("CID", "D015738", "D003693")`.
    """

    document_id: str
    title: str
    abstract: str
    annotations: tuple[Annotation, ...] = ()
    relations: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        """Title, a space, abstract: the string that the annotations' offsets count in."""
        return f"{self.title} {self.abstract}"


class _RecordError(ValueError):
    """A bad line inside a record, before the file's name is known."""

    def __init__(self, line_number: int, cause: str, line: str) -> None:
        super().__init__(cause)
        self.line_number, self.cause, self.line = line_number, cause, line


def read_pubtator(
    source: str | os.PathLike[str] | Iterable[str], on_error: OnError | None = None
) -> Iterator[PubtatorDocument]:
    """Stream the documents of a PubTator file (or of its lines), one record in memory at a time.

    Args:
        source: a path, `.gz` included, or an iterable of lines such as an open file.
        on_error: called with (line number from 1, message, the record's text) for each malformed record, which is
            skipped; without it the first malformed record raises.

    Raises:
        ValueError: a malformed line, named by file and line number, with what was expected.
    """
    label = os.fspath(source) if isinstance(source, (str, os.PathLike)) else getattr(source, "name", "<lines>")
    lines = open_lines(source) if isinstance(source, (str, os.PathLike)) else source
    for record in _records(lines):
        try:
            yield _parse_record(record)
        except _RecordError as error:
            message = f"{label}:{error.line_number}: {error.cause}; the line is {_shorten(error.line)!r}"
            if on_error is None:
                raise ValueError(message) from None
            on_error(error.line_number, message, "".join(line + "\n" for _, line in record))


def format_document(document: PubtatorDocument) -> str:
    """The record of a document in PubTator, each line ended by a newline, without the empty line after it.

    A corpus is `"\\n".join(map(format_document, documents)) + "\\n"`: the released files are reproduced
    byte for byte.
    """
    lines = [f"{document.document_id}|t|{document.title}", f"{document.document_id}|a|{document.abstract}"]
    for annotation in document.annotations:
        fields = [annotation.start, annotation.end, annotation.surface, annotation.type]
        if annotation.identifier is not None:
            fields += [annotation.identifier, *annotation.extra]
        lines.append("\t".join([document.document_id, *map(str, fields)]))
    lines += ["\t".join([document.document_id, *relation]) for relation in document.relations]
    return "".join(line + "\n" for line in lines)


def _records(lines: Iterable[str]) -> Iterator[list[tuple[int, str]]]:
    """Groups of numbered lines between empty lines."""
    record: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r\n")
        if line.strip():
            record.append((number, line))
        elif record:
            yield record
            record = []
    if record:
        yield record


def _parse_record(record: list[tuple[int, str]]) -> PubtatorDocument:
    document_id, title = _parse_text_line(record[0], "t", None)
    if len(record) < 2:
        raise _RecordError(
            *_cause(record[0], f"document {document_id} ends after its title; expected `{document_id}|a|`")
        )
    _, abstract = _parse_text_line(record[1], "a", document_id)
    document = PubtatorDocument(document_id, title, abstract)
    annotations: list[Annotation] = []
    relations: list[tuple[str, ...]] = []
    for numbered in record[2:]:
        found_id, *fields = numbered[1].split("\t")
        if found_id != document_id:
            raise _RecordError(
                *_cause(numbered, f"the line belongs to {found_id!r}; expected document {document_id!r}")
            )
        if len(fields) >= 4 and fields[0].isdecimal():
            annotations.append(_parse_annotation(numbered, fields, document.text))
        elif len(fields) >= 3 and not fields[0].isdecimal():
            relations.append(tuple(fields))
        else:
            expected = (
                "expected `id, start, end, surface, type[, identifier]` or `id, relation, identifier, identifier`"
            )
            raise _RecordError(*_cause(numbered, f"{len(fields) + 1} tab-separated fields; {expected}"))
    return PubtatorDocument(document_id, title, abstract, tuple(annotations), tuple(relations))


def _parse_text_line(numbered: tuple[int, str], kind: str, document_id: str | None) -> tuple[str, str]:
    match = _TEXT_LINE.fullmatch(numbered[1])
    noun = "title" if kind == "t" else "abstract"
    if match is None or match[2] != kind:
        raise _RecordError(*_cause(numbered, f"expected a {noun} line `{document_id or 'id'}|{kind}|{noun}`"))
    if document_id is not None and match[1] != document_id:
        raise _RecordError(*_cause(numbered, f"the {noun} is of document {match[1]!r}; expected {document_id!r}"))
    return match[1], match[3]


def _parse_annotation(numbered: tuple[int, str], fields: list[str], text: str) -> Annotation:
    start, end, surface, kind = fields[:4]
    if not end.isdecimal():
        raise _RecordError(*_cause(numbered, f"end offset {end!r}; expected a number of characters"))
    first, last = int(start), int(end)
    if not first < last <= len(text):
        raise _RecordError(
            *_cause(
                numbered,
                f"span {first}:{last} does not fit the text of {len(text)} characters; "
                "expected 0 <= start < end <= length of title + 1 + abstract",
            )
        )
    if text[first:last].strip() != surface.strip():
        raise _RecordError(
            *_cause(numbered, f"the text at {first}:{last} is {text[first:last]!r}; expected the annotated {surface!r}")
        )
    return Annotation(first, last, surface, kind, fields[4] if len(fields) > 4 else None, tuple(fields[5:]))


def _cause(numbered: tuple[int, str], cause: str) -> tuple[int, str, str]:
    return numbered[0], cause, numbered[1]


def _shorten(line: str, limit: int = 120) -> str:
    return line if len(line) <= limit else line[: limit - 3] + "..."
