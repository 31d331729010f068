"""Passages of a text with their offsets, as BioC has them, put together to one document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.types import Mention

MOST_GAP = 10_000_000
"""Characters between the passages of a document, in all; they become spaces."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as its file has it.

    Args:
        offset: of its first character in the document; None where the file gives none.
        kind: such as "title".
        text: its characters.
        annotations: with offsets in the document.
    """

    offset: int | None
    kind: str
    text: str
    annotations: tuple[Annotation, ...] = ()


@dataclass(slots=True)
class Assembled:
    """A document of passages, and the annotations that do not fit it, each with its cause."""

    document: Document
    left_out: list[str] = field(default_factory=list)


def assemble(document_id: str, passages: Sequence[Passage], with_annotations: bool) -> Assembled:
    """One document; gaps between passages become spaces.

    Where no passage has an offset, or several all have 0, as many converters write, the offsets count from the start of
    each passage: the passages then follow one another with a space between.

    Raises:
        ValueError: passages overlap, have a wild offset, or some have none.
    """
    offsets = [passage.offset for passage in passages]
    is_relative = all(offset is None for offset in offsets) or (
        len([passage for passage in passages if passage.text]) > 1 and not any(offsets) and None not in offsets
    )
    parts: list[str] = []
    sections: list[Section] = []
    annotations: list[Annotation] = []
    length = gaps = 0
    ordered = passages if is_relative else sorted(passages, key=lambda passage: passage.offset or 0)
    for number, passage in enumerate(ordered, start=1):
        start = length + bool(sections) if is_relative else _checked(passage, number, length, gaps)
        gap = start - length
        gaps += gap
        parts += [" " * gap, passage.text]
        length = start + len(passage.text)
        sections.append(Section(start, length, passage.kind))
        shift = start if is_relative else 0
        annotations += [_moved(annotation, shift) for annotation in passage.annotations]
    document = Document(document_id, "".join(parts), tuple(sections))
    if not with_annotations:
        return Assembled(document)
    return _with_annotations(document, annotations)


def _checked(passage: Passage, number: int, length: int, gaps: int) -> int:
    """The offset of a passage that follows `length` characters."""
    offset = passage.offset
    if offset is None:
        raise ValueError(f"passage {number} has no offset, and others have; expected one for each passage")
    if offset < length:
        raise ValueError(
            f"passage {number} starts at {offset}, before the end of the one before it at {length}; expected offsets "
            "that count the characters of all passages"
        )
    if gaps + offset - length > MOST_GAP:
        raise ValueError(
            f"passage {number} has offset {offset}, {offset - length:,} characters after the end of the one before it; "
            f"expected gaps of at most {MOST_GAP:,} characters in a document"
        )
    return offset


def _moved(annotation: Annotation, shift: int) -> Annotation:
    if not shift:
        return annotation
    start, end = annotation.start + shift, annotation.end + shift
    return Annotation(start, end, annotation.surface, annotation.type, annotation.identifier, annotation.extra)


def _with_annotations(document: Document, annotations: Sequence[Annotation]) -> Assembled:
    """The document with those that fit its text, in the text's order as they came."""
    kept, left_out = [], []
    for annotation in annotations:
        cause = misfit(document.text, annotation)
        if cause is None:
            kept.append(annotation)
        else:
            left_out.append(cause)
    whole = Document(document.document_id, document.text, document.sections, tuple(kept))
    return Assembled(whole, left_out)


def misfit(text: str, annotation: Annotation) -> str | None:
    """Why an annotation does not fit a text, or None where it does; a normalised surface fits."""
    try:
        spelled = Mention(text, annotation.start, annotation.end).surface
    except ValueError as error:
        return str(error)
    surface = annotation.surface.strip()
    if not surface or spelled.strip() == surface or " ".join(spelled.split()) == " ".join(surface.split()):
        return None
    elsewhere = text.find(surface)
    if elsewhere < 0:
        return None
    return (
        f"the text at {annotation.start}:{annotation.end} is {spelled!r:.80}; expected the annotated {surface!r:.80}, "
        f"which stands at {elsewhere}: do the offsets count characters?"
    )
