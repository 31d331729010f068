"""PubTator as users bring it: what can be read of a record is read, and what cannot is told.

A document may have a title alone, empty lines between its lines, and surfaces that are normalised (TNF-a where the text
has TNF-α); an annotation that does not fit the text is left out, and the document stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.formats.lines import Line
from angel_hf.formats.passages import misfit
from angel_hf.formats.pubtator_lines import (
    TEXT_LINE,
    LineError,
    NumberedLine,
    Relation,
    annotation_line,
    records,
    text_line,
)
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source

LINKED_TYPE = ":linked"
"""What ends the type of an annotation that is an answer; see `pubtator_writer`."""


def read_pubtator_documents(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """The documents of a file; before a document come its annotations that had to be left out.

    A record without a title line, or with bytes that are not UTF-8, is rejected whole: the offsets after them are
    wrong.
    """
    faults: dict[int, str] = {}
    for record in records(_numbered(source.lines(), faults)):
        faulty = next((number for number, _ in record if number in faults), None)
        raw = "".join(f"{line}\n" for _, line in record)
        if faulty is not None:
            yield Rejected(faulty, faults[faulty], raw)
        else:
            yield from _read(record, raw, reading)
        # The first line of the next record is read already.
        for number, _ in record:
            faults.pop(number, None)


def _numbered(lines: Iterable[Line], faults: dict[int, str]) -> Iterator[NumberedLine]:
    for line in lines:
        if line.fault is not None:
            faults[line.number] = line.fault
        yield line.number, line.text


def _read(record: list[NumberedLine], raw: str, reading: Reading) -> Iterator[Document | Rejected]:
    try:
        document_id, title = text_line(record[0], "t", None)
        second = TEXT_LINE.fullmatch(record[1][1]) if len(record) > 1 else None
        has_abstract = second is not None and second[2] == "a"
        abstract = text_line(record[1], "a", document_id)[1] if has_abstract else ""
    except LineError as error:
        yield Rejected(error.number, f"{error.cause}; the line is {error.line[:120]!r}", raw)
        return
    sections: tuple[Section, ...] = (Section(0, len(title), "title"),)
    if has_abstract:
        sections += (Section(len(title) + 1, len(title) + 1 + len(abstract), "abstract"),)
    text = f"{title} {abstract}" if has_abstract else title
    annotations: list[Annotation] = []
    relations: list[tuple[str, ...]] = []
    for numbered in record[1 + has_abstract :] if reading.mentions else ():
        try:
            found = annotation_line(numbered, document_id, text)
            if isinstance(found, Relation):
                relations.append(found.fields)
            elif not found.type.endswith(LINKED_TYPE):
                cause = misfit(text, found)
                if cause is not None:
                    raise LineError(numbered, cause)
                annotations.append(found)
        except LineError as error:
            yield Rejected(error.number, f"annotation of document {document_id} left out: {error.cause}", error.line)
    given = tuple(annotations) if reading.mentions else None
    yield Document(document_id, text, sections, given, tuple(relations), line=record[0][0], raw=raw)
