"""Texts with their parts, as annotation formats exchange them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a text, `text[start:end]`; `kind` is "title", "abstract" or whatever its source calls it."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A text to annotate; offsets count its characters, and only white space separates sections."""

    document_id: str
    text: str
    sections: tuple[Section, ...]

    @classmethod
    def of_text(cls, document_id: str, text: str) -> TextDocument:
        """A text as one section."""
        return cls(document_id, text, (Section(0, len(text), "text"),))

    @classmethod
    def of_passages(cls, document_id: str, passages: list[tuple[int, str, str]]) -> TextDocument:
        """Build from passages of (offset, kind, text), as in BioC; gaps become spaces.

        Raises:
            ValueError: passages overlap.
        """
        text, sections = "", []
        for offset, kind, passage in sorted(passages, key=lambda passage: passage[0]):
            if offset < len(text):
                raise ValueError(
                    f"document {document_id}: a passage starts at {offset}, before the end of the one before it at "
                    f"{len(text)}; expected offsets that count the characters of all passages"
                )
            text += " " * (offset - len(text)) + passage
            sections.append(Section(offset, offset + len(passage), kind))
        return cls(document_id, text, tuple(sections))
