"""Linked and annotated documents as PubTator.

What an annotation is linked to is written into its identifier field, several concepts of one name joined by a bar, or
`-1`, as PubTator corpora write an annotation without a concept. To keep the given identifiers, the answer has a
line of its own below the annotation: the same span, and the type with `:linked` after it, which any PubTator reader
can distinguish. Such lines are not linked again: a file linked twice is the same as linked once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import TextIO

from angel_hf.formats.answers import LinkedDocument, identifier
from angel_hf.formats.document import Annotation, Document
from angel_hf.formats.pubtator import PubtatorDocument, format_document
from angel_hf.formats.pubtator_reader import LINKED_TYPE
from angel_hf.results import Annotated

# Whatever some program takes for the end of a line or of a field.
_BREAKS = re.compile("[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_BREAKS_AND_BARS = re.compile("[|\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


class Annotations(str, Enum):
    """What becomes of the identifiers that a PubTator file brings."""

    REPLACE = "replace"
    KEEP = "keep"


class PubtatorRecords:
    """Writes records, an empty line after each; ids that would forge a line are changed and counted."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._changed = 0
        self._example = ""

    def write(self, document: Document, annotations: Sequence[Annotation]) -> None:
        """Write a document with these annotations; surfaces are the text's own."""
        title, abstract = title_and_abstract(document)
        text = f"{title} {abstract}"
        own = [
            replace(
                one,
                surface=text[one.start : one.end],
                type=_BREAKS.sub(" ", one.type),
                identifier=one.identifier and _BREAKS.sub(" ", one.identifier),
            )
            for one in annotations
        ]
        relations = tuple(tuple(_BREAKS.sub(" ", field) for field in fields) for fields in document.relations)
        record = PubtatorDocument(self._id(document.document_id), title, abstract, tuple(own), relations)
        self._stream.write(format_document(record) + "\n")

    def close(self) -> str | None:
        """Nothing follows the last document; returns how many ids had to be changed."""
        if not self._changed:
            return None
        return (
            f"{self._changed:,} document ids hold bars, tabs or line ends, which end an id in PubTator; they have _ "
            f"instead, as {self._example}"
        )

    def _id(self, document_id: str) -> str:
        plain = _BREAKS_AND_BARS.sub("_", document_id) or "_"
        if plain != document_id:
            self._changed += 1
            self._example = self._example or plain[:80]
        return plain


class LinkedPubtatorWriter:
    """Given mentions with the concepts that they were linked to."""

    def __init__(self, stream: TextIO, annotations: Annotations) -> None:
        self._records = PubtatorRecords(stream)
        self._annotations = annotations

    def write(self, linked: LinkedDocument) -> None:
        """Write one document."""
        annotations: list[Annotation] = []
        for given, answer in zip(linked.document.annotations or (), linked.linked, strict=True):
            # Fields after the identifier list the parts that it stood for.
            if self._annotations is Annotations.REPLACE:
                annotations.append(replace(given, identifier=identifier(answer), extra=()))
            else:
                own = replace(given, type=given.type + LINKED_TYPE, identifier=identifier(answer), extra=())
                annotations += [given, own]
        self._records.write(linked.document, annotations)

    def close(self) -> str | None:
        """Nothing follows the last document; returns a remark on changed ids."""
        return self._records.close()


class AnnotatedPubtatorWriter:
    """Mentions that were found, with their concepts."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._records = PubtatorRecords(stream)
        self._kind = kind

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        annotations = [
            Annotation(one.mention.start, one.mention.end, type=self._kind, identifier=identifier(one))
            for one in annotated
        ]
        self._records.write(replace(document, relations=()), annotations)

    def close(self) -> str | None:
        """Nothing follows the last document; returns a remark on changed ids."""
        return self._records.close()


def title_and_abstract(document: Document) -> tuple[str, str]:
    """The text in two lines, every character at its offset; line ends and tabs become spaces.

    The character between the two is lost, so they part where it stands in no section: after the first one, or in a text
    of one section at its first line end. Where sections touch, all is title.
    """
    text = document.text
    flat = _BREAKS.sub(" ", text)
    sections = document.sections
    if len(sections) > 1:
        end = sections[0].end
        is_free = end < sections[1].start and not text[end : end + 1].strip()
    else:
        first_line = re.search(r"[\r\n]", text)
        end = first_line.start() if first_line else len(text)
        is_free = first_line is not None
    return (flat[:end], flat[end + 1 :]) if is_free else (flat, "")
