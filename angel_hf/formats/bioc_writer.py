"""Linked and annotated documents as a BioC XML collection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from angel_hf.formats.answers import LinkedDocument, identifier
from angel_hf.formats.document import Document, Section
from angel_hf.results import Annotated
from angel_hf.types import Linked, Mention

# XML cannot hold them; a space keeps the offsets.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class _Collection:
    """Writes a collection; each annotation stands in the passage where it starts."""

    def __init__(self, stream: TextIO, source: str) -> None:
        self._stream = stream
        stream.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
            f"<collection><source>{source}</source><date></date><key>angel.key</key>\n"
        )

    def add(self, document: Document, annotations: Sequence[tuple[Mention, Mapping[str, str]]]) -> None:
        """Write a document with mentions and their infons."""
        lines = [f"<document><id>{_xml(document.document_id)}</id>"]
        numbered = list(enumerate(annotations, start=1))
        for start, section in _covering(document):
            text = document.text[section.start : section.end]
            lines.append(
                f'<passage><infon key="type">{_xml(section.kind)}</infon><offset>{section.start}</offset>'
                f"<text>{_xml(text)}</text>"
            )
            own = [one for one in numbered if start <= one[1][0].start < section.end]
            lines += [_annotation(number, mention, infons) for number, (mention, infons) in own]
            lines.append("</passage>")
        self._stream.write("\n".join([*lines, "</document>\n"]))

    def close(self) -> None:
        """End the collection."""
        self._stream.write("</collection>\n")


class LinkedBiocWriter:
    """Given mentions with the concepts that they were linked to as their identifiers."""

    def __init__(self, stream: TextIO) -> None:
        self._collection = _Collection(stream, "angel link")

    def write(self, linked: LinkedDocument) -> None:
        """Write one document."""
        document = linked.document
        given = document.annotations or ()
        rows = [(answer.mention, _infons(one.type, answer)) for one, answer in zip(given, linked.linked, strict=True)]
        self._collection.add(document, rows)

    def close(self) -> None:
        """End the collection."""
        self._collection.close()


class AnnotatedBiocWriter:
    """Mentions that were found, with their concepts and confidence."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._collection = _Collection(stream, "angel annotate")
        self._kind = kind

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        self._collection.add(document, [(one.mention, _infons(self._kind, one)) for one in annotated])

    def close(self) -> None:
        """End the collection."""
        self._collection.close()


def _infons(kind: str, answer: Linked) -> dict[str, str]:
    infons = {"type": kind, "identifier": identifier(answer)}
    is_nil = isinstance(answer, Annotated) and answer.is_nil
    if answer.best is not None and not is_nil:
        infons["name"] = answer.best.name
    if isinstance(answer, Annotated) and answer.confidence is not None:
        infons["confidence"] = f"{answer.confidence:.4f}"
    return infons


def _annotation(number: int, mention: Mention, infons: Mapping[str, str]) -> str:
    shown = "".join(f"<infon key={quoteattr(key)}>{_xml(value)}</infon>" for key, value in infons.items())
    return (
        f'<annotation id="{number}">{shown}<location offset="{mention.start}" length="{mention.end - mention.start}"/>'
        f"<text>{_xml(mention.surface)}</text></annotation>"
    )


def _covering(document: Document) -> list[tuple[int, Section]]:
    """The sections, each with where the characters start that belong to it or to the gap before it.

    Characters outside of all sections that are no white space get sections of their own, so that no text is lost.
    """
    sections: list[tuple[int, Section]] = []
    end = 0
    for section in [*document.sections, Section(len(document.text), len(document.text), "")]:
        between = document.text[end : section.start]
        if between.strip():
            sections.append((end, Section(end, section.start, "text")))
            end = section.start
        if section.kind or section.end > section.start:
            sections.append((end, section))
        end = section.end
    return sections


def _xml(text: str) -> str:
    return escape(_FORBIDDEN.sub(" ", text)).replace("\r", "&#13;")
