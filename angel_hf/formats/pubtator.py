"""PubTator corpora, such as NCBI-disease, BC5CDR and MedMentions, read to the letter.

What users bring is read by `pubtator_reader`, which is content with less. For the format see `pubtator_lines`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from angel_hf.formats.document import Annotation
from angel_hf.formats.lines import open_lines
from angel_hf.formats.pubtator_lines import LineError, NumberedLine, Relation, annotation_line, records, text_line

OnError = Callable[[int, str, str], None]


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
    numbered = ((number, line.rstrip("\r\n")) for number, line in enumerate(lines, start=1))
    for record in records(numbered):
        try:
            yield _parse_record(record)
        except LineError as error:
            message = f"{label}:{error.number}: {error.cause}; the line is {_shorten(error.line)!r}"
            if on_error is None:
                raise ValueError(message) from None
            on_error(error.number, message, "".join(line + "\n" for _, line in record))


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


def _parse_record(record: list[NumberedLine]) -> PubtatorDocument:
    document_id, title = text_line(record[0], "t", None)
    if len(record) < 2:
        raise LineError(record[0], f"document {document_id} ends after its title; expected `{document_id}|a|`")
    _, abstract = text_line(record[1], "a", document_id)
    document = PubtatorDocument(document_id, title, abstract)
    annotations: list[Annotation] = []
    relations: list[tuple[str, ...]] = []
    for numbered in record[2:]:
        found = annotation_line(numbered, document_id, document.text)
        if isinstance(found, Relation):
            relations.append(found.fields)
            continue
        spelled = document.text[found.start : found.end]
        if spelled.strip() != found.surface.strip():
            where = f"the text at {found.start}:{found.end} is {spelled!r}"
            raise LineError(numbered, f"{where}; expected the annotated {found.surface!r}")
        annotations.append(found)
    return PubtatorDocument(document_id, title, abstract, tuple(annotations), tuple(relations))


def _shorten(line: str, limit: int = 120) -> str:
    return line if len(line) <= limit else line[: limit - 3] + "..."
