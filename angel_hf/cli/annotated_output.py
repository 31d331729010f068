"""What `angel annotate` writes: one writer a format, each given document by document."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO
from xml.sax.saxutils import escape, quoteattr

import typer

from angel_hf.cli.failure import InputError
from angel_hf.cli.jsonl import to_json
from angel_hf.cli.pubtator import UNLINKED
from angel_hf.cli.sink import open_output
from angel_hf.formats.document import TextDocument
from angel_hf.formats.pubtator import Annotation, Document, format_document

if TYPE_CHECKING:
    from angel_hf.types import Annotated


class AnnotatedFormat(str, Enum):
    """Formats that `angel annotate` writes."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    BIOC = "bioc"
    BRAT = "brat"
    HTML = "html"


class AnnotatedWriter(Protocol):
    """Writes annotated documents; `kind` is the type that annotations get."""

    def write(self, document: TextDocument, annotated: Sequence[Annotated]) -> None:
        """Write one document."""

    def close(self) -> None:
        """Write what stands after the last document."""


class JsonlWriter:
    """JSON lines: id, text, and mentions with confidence and candidates."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._stream = stream
        self._kind = kind

    def write(self, document: TextDocument, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        mentions = [
            {
                "start": one.mention.start,
                "end": one.mention.end,
                "text": one.mention.surface,
                "type": self._kind,
                "read_as": one.read_as,
                "confidence": None if one.confidence is None else round(one.confidence, 4),
                "nil": one.is_nil,
                "candidates": [
                    {"name": found.name, "concept_ids": list(found.concept_ids), "score": round(found.score, 6) + 0.0}
                    for found in one.candidates
                ],
            }
            for one in annotated
        ]
        self._stream.write(to_json({"id": document.document_id, "text": document.text, "mentions": mentions}) + "\n")

    def close(self) -> None:
        """Nothing stands after the last document."""


class PubtatorWriter:
    """PubTator records; a text that has no title gets its first line as one, other line ends become spaces."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._stream = stream
        self._kind = kind

    def write(self, document: TextDocument, annotated: Sequence[Annotated]) -> None:
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
                _identifier(one),
            )
            for one in annotated
        )
        record = Document(document.document_id, flat[:title], flat[title + 1 :], annotations)
        self._stream.write(format_document(record) + "\n")

    def close(self) -> None:
        """Nothing stands after the last document."""


class BiocWriter:
    """A BioC XML collection; each annotation stands in the passage where it starts."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._stream = stream
        self._kind = kind
        stream.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
            "<collection><source>angel annotate</source><date></date><key>angel.key</key>\n"
        )

    def write(self, document: TextDocument, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        lines = [f"<document><id>{_xml(document.document_id)}</id>"]
        numbered = list(enumerate(annotated, start=1))
        for section in document.sections:
            text = document.text[section.start : section.end]
            lines.append(
                f'<passage><infon key="type">{_xml(section.kind)}</infon><offset>{section.start}</offset>'
                f"<text>{_xml(text)}</text>"
            )
            lines += [
                self._annotation(n, one) for n, one in numbered if section.start <= one.mention.start < section.end
            ]
            lines.append("</passage>")
        self._stream.write("\n".join([*lines, "</document>\n"]))

    def close(self) -> None:
        """End the collection."""
        self._stream.write("</collection>\n")

    def _annotation(self, number: int, one: Annotated) -> str:
        infons = {"type": self._kind, "identifier": _identifier(one)}
        if one.best is not None and not one.is_nil:
            infons["name"] = one.best.name
        if one.confidence is not None:
            infons["confidence"] = f"{one.confidence:.4f}"
        shown = "".join(f"<infon key={quoteattr(key)}>{_xml(value)}</infon>" for key, value in infons.items())
        length = one.mention.end - one.mention.start
        return (
            f'<annotation id="{number}">{shown}<location offset="{one.mention.start}" length="{length}"/>'
            f"<text>{_xml(one.mention.surface)}</text></annotation>"
        )


class BratWriter:
    """A folder of standoff files: `ID.txt` and `ID.ann` for each document, `ID-2` and so on where an id comes again.

    Raises:
        InputError: the folder cannot be made.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise InputError(f"{folder}: is a file; brat needs a folder, for two files a document") from None
        self._folder = folder
        self._kind = re.sub(r"\W", "_", kind)
        self._taken: set[str] = set()
        self._renamed: list[str] = []

    def write(self, document: TextDocument, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        lines = []
        for number, one in enumerate(annotated, start=1):
            surface = " ".join(one.mention.surface.splitlines())
            lines.append(f"T{number}\t{self._kind} {one.mention.start} {one.mention.end}\t{surface}\n")
            if one.best is not None and not one.is_nil:
                lines += [
                    f"N{number}.{place}\tReference T{number} KB:{concept_id}\t{one.best.name}\n"
                    for place, concept_id in enumerate(one.best.concept_ids, start=1)
                ]
            if one.confidence is not None:
                lines.append(f"#{number}\tAnnotatorNotes T{number}\tconfidence {one.confidence:.4f}\n")
        name = self._name(document.document_id)
        for ending, content in ((".txt", document.text), (".ann", "".join(lines))):
            with open_output(self._folder / f"{name}{ending}") as stream:
                stream.write(content)

    def close(self) -> None:
        """Tell of the documents that came under the name of another."""
        if self._renamed:
            typer.echo(
                f"{len(self._renamed):,} documents came under the name of another, and have a number after it, as in "
                f"{self._folder / self._renamed[0]}.ann",
                err=True,
            )

    def _name(self, document_id: str) -> str:
        """A name for a document's files that no document before it has."""
        # Identifiers may hold what a file name may not.
        plain = re.sub(r"[^\w.-]", "_", document_id).lstrip(".") or "document"
        names = chain([plain], (f"{plain}-{number}" for number in count(2)))
        # Some file systems take capitals and small letters for the same.
        name = next(name for name in names if name.casefold() not in self._taken)
        self._taken.add(name.casefold())
        self._renamed += [name] * (name != plain)
        return name


class HtmlWriter:
    """One page with all documents, drawn by spaCy's displaCy.

    Raises:
        InputError: spaCy is not installed.
    """

    def __init__(self, stream: TextIO, kind: str) -> None:
        try:
            from spacy import displacy
        except ImportError:
            raise InputError("displaCy pages need: pip install 'angel-hf[spacy]'") from None
        self._displacy = displacy
        self._stream = stream
        self._kind = kind
        self._documents: list[dict[str, object]] = []

    def write(self, document: TextDocument, annotated: Sequence[Annotated]) -> None:
        """Keep one document; the page is drawn as a whole."""
        entities: list[dict[str, object]] = []
        end = 0
        for one in annotated:
            # The parts of a composite mention share their place, which can be drawn once.
            if one.mention.start < end:
                entities[-1]["kb_id"] = f"{entities[-1]['kb_id']}|{_identifier(one)}"
                continue
            end = one.mention.end
            entities.append(
                {"start": one.mention.start, "end": end, "label": self._kind, "kb_id": _identifier(one), "kb_url": "#"}
            )
        self._documents.append({"text": document.text, "ents": entities, "title": document.document_id})

    def close(self) -> None:
        """Draw the page."""
        page = self._displacy.render(self._documents, style="ent", manual=True, page=True, jupyter=False)
        self._stream.write(page + "\n")


STREAM_WRITERS: dict[AnnotatedFormat, Callable[[TextIO, str], AnnotatedWriter]] = {
    AnnotatedFormat.JSONL: JsonlWriter,
    AnnotatedFormat.PUBTATOR: PubtatorWriter,
    AnnotatedFormat.BIOC: BiocWriter,
    AnnotatedFormat.HTML: HtmlWriter,
}
"""Writers of one stream; brat, whose documents are files, is the one that is not."""


def _identifier(one: Annotated) -> str:
    return "|".join(one.best.concept_ids) if one.best is not None and not one.is_nil else UNLINKED


def _xml(text: str) -> str:
    # XML cannot hold control characters; a space keeps the offsets.
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]", " ", text)).replace("\r", "&#13;")
