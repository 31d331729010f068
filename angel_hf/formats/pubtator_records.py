"""PubTator documents as records and as texts, linked and annotated ones as PubTator.

In a record the annotations of a document are its mentions.

What an annotation is linked to is written into its identifier field, several concepts of one name joined by a bar, or
`-1`, as PubTator corpora write an annotation without a concept. To keep the given identifiers, the answer has a
line of its own below the annotation: the same span, and the type with `:linked` after it, which any PubTator reader
can distinguish. Such lines are not linked again: a file linked twice is the same as linked once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum
from typing import TextIO

from angel_hf.formats.annotated_writer import UNLINKED, identifier
from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.formats.lines import Line
from angel_hf.formats.pubtator import PubtatorDocument, format_document, read_pubtator
from angel_hf.formats.records import LinkedRecord, Record
from angel_hf.formats.rejected import Rejected
from angel_hf.results import Annotated
from angel_hf.types import Linked, Mention

LINKED_TYPE = ":linked"


class Annotations(str, Enum):
    """What becomes of the identifiers that a PubTator file brings."""

    REPLACE = "replace"
    KEEP = "keep"


def read_documents(lines: Iterable[Line]) -> Iterator[Record | Rejected]:
    """Read documents as records; a document with a malformed line is rejected whole."""
    position = _Position()
    failed: list[Rejected] = []

    def on_error(line: int, message: str, raw: str) -> None:
        # Wrong bytes shift the offsets, so they come first. The message starts with a name for the lines and the
        # line's number, which are reported elsewhere.
        failed.append(position.fault(raw) or Rejected(line, message.partition(f":{line}: ")[2], raw))

    for document in read_pubtator(position.watch(lines), on_error):
        yield from failed
        failed.clear()
        yield position.fault(format_document(document)) or _record(document, position.start)
    yield from failed


class _Position:
    """Where the record starts that was read last, and what was wrong with its bytes."""

    def __init__(self) -> None:
        self.start = 1
        self._faulty: Line | None = None
        self._between = True

    def watch(self, lines: Iterable[Line]) -> Iterator[str]:
        for line in lines:
            blank = not line.text.strip()
            if self._between and not blank:
                self.start, self._faulty = line.number, None
            self._between = blank
            if line.fault is not None and self._faulty is None:
                self._faulty = line
            yield line.text

    def fault(self, raw: str) -> Rejected | None:
        if self._faulty is None or self._faulty.fault is None:
            return None
        return Rejected(self._faulty.number, self._faulty.fault, raw)


def _record(document: PubtatorDocument, line: int) -> Record | Rejected:
    raw = format_document(document)
    given = tuple(annotation for annotation in document.annotations if not annotation.type.endswith(LINKED_TYPE))
    document = replace(document, annotations=given)
    try:
        mentions = tuple(Mention(document.text, annotation.start, annotation.end) for annotation in given)
    except ValueError as error:
        return Rejected(line, str(error), raw)
    fields = tuple({"type": annotation.type, "identifier": annotation.identifier} for annotation in given)
    return Record(line, raw, {"id": document.document_id, "text": document.text}, mentions, fields, document)


def read_pubtator_texts(path: str | os.PathLike[str]) -> Iterator[Document]:
    """Stream the documents of a file, `.gz` included, as texts of title and abstract.

    Raises:
        ValueError: a malformed line; the error names file and line.
    """
    for document in read_pubtator(path):
        title = len(document.title)
        sections = (Section(0, title, "title"), Section(title + 1, len(document.text), "abstract"))
        yield Document(document.document_id, document.text, sections)


class PubtatorWriter:
    """Writes linked documents, an empty line after each."""

    def __init__(self, stream: TextIO, annotations: Annotations) -> None:
        self._stream = stream
        self._annotations = annotations

    def write(self, linked_record: LinkedRecord) -> None:
        """Write one document."""
        document = linked_record.record.document
        if document is None:
            raise TypeError("only a record read from PubTator can be written as PubTator")
        annotations: list[Annotation] = []
        for given, linked in zip(document.annotations, linked_record.linked):
            if self._annotations is Annotations.REPLACE:
                # Fields after the identifier list the parts that it stood for.
                annotations.append(replace(given, identifier=_identifier(linked), extra=()))
            else:
                answer = replace(given, type=given.type + LINKED_TYPE, identifier=_identifier(linked), extra=())
                annotations += [given, answer]
        self._stream.write(format_document(replace(document, annotations=tuple(annotations))) + "\n")


class AnnotatedPubtatorWriter:
    """PubTator records; a text without a title gets its first line as one, other line ends become spaces."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._stream = stream
        self._kind = kind

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        flat = re.sub(r"[\r\n\t]", " ", document.text)
        first_line = re.search(r"[\r\n]", document.text)
        first = document.sections[0] if document.sections else None
        if first is not None and len(document.sections) > 1:
            title = first.end
        else:
            title = first_line.start() if first_line else len(flat)
        annotations = tuple(
            Annotation(
                one.mention.start,
                one.mention.end,
                flat[one.mention.start : one.mention.end],
                self._kind,
                identifier(one),
            )
            for one in annotated
        )
        record = PubtatorDocument(document.document_id, flat[:title], flat[title + 1 :], annotations)
        self._stream.write(format_document(record) + "\n")

    def close(self) -> None:
        """Nothing follows the last document."""


def _identifier(linked: Linked) -> str:
    return UNLINKED if linked.best is None else "|".join(linked.best.concept_ids)
