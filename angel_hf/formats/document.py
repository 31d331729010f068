"""Texts with their parts and the mentions that annotation formats bring with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from angel_hf.formats.rejected import Rejected

_MOST_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a text, `text[start:end]`; `kind` is "title", "abstract" or whatever its source calls it."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """A span that its source annotates, `document.text[start:end]`; offsets count code points.

    Args:
        start: of its first character.
        end: after its last character.
        surface: as the source spells it, which may be normalised (TNF-a for TNF-α), or empty.
        type: "Disease" or whatever its source calls it; empty where it says nothing.
        identifier: as the source spells it; None where there is none, "" where the field is there and empty.
        extra: further fields of a PubTator line (BC5CDR lists the parts of a composite mention there).
    """

    start: int
    end: int
    surface: str = ""
    type: str = ""
    identifier: str | None = None
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A text to annotate, or whose given mentions are to be linked.

    Args:
        document_id: as the source spells it.
        text: as it came; all offsets count its code points.
        sections: in the text's order, without overlap. The characters between them belong to none.
        annotations: given mentions, in the order of the source; None where its format has none, as plain text.
        relations: the fields after the id of PubTator's relation lines.
        fields: further keys of a JSON line or columns of a table, which outputs keep.
        line: where it starts in its source, counted from 1; 0 where that is unknown.
        raw: as it came, for the file of rejected records; empty for one that is the whole source.
        source: the file, or "standard input"; empty for a text that came as an argument.
    """

    document_id: str
    text: str
    sections: tuple[Section, ...]
    annotations: tuple[Annotation, ...] | None = None
    relations: tuple[tuple[str, ...], ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    raw: str = ""
    source: str = ""

    def rejected(self, cause: str) -> Rejected:
        """The document as a record that cannot be used."""
        shown = self.raw or self.text[:_MOST_SHOWN]
        return Rejected(self.line, f"document {self.document_id}: {cause}", shown, self.source)

    @classmethod
    def of_text(cls, document_id: str, text: str) -> Document:
        """A text as one section."""
        return cls(document_id, text, (Section(0, len(text), "text"),))
