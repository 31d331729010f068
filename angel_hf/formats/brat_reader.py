"""brat's standoff annotations (Stenetorp et al., EACL 2012), read: a text, and a file `.ann` of its name beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.formats.lines import numbered_lines
from angel_hf.formats.passages import misfit
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source

_ENTITY = re.compile(r"(T\S*)\t(\S+) (\d{1,12}) (\d{1,12})\t(.*)", re.DOTALL)
_PIECES = re.compile(r"T\S*\t\S+ \d+ \d+;")
_REFERENCE = re.compile(r"N\S*\tReference (T\S+) ([^\t]+)(?:\t.*)?", re.DOTALL)


def is_text_of_pair(path: Path) -> bool:
    """Whether a text has brat's annotations beside it."""
    return path.with_suffix(".ann").is_file()


def read_brat(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """The text, with the entities of the `.ann` file beside it and the concepts that they refer to.

    Entities that do not fit the text, or are of several pieces, are left out, each with its line.

    Raises:
        ValueError: the text is not UTF-8, or has no file `.ann`.
    """
    text = source.text()
    sections = (Section(0, len(text), "text"),)
    if not reading.mentions:
        yield Document(source.stem, text, sections)
        return
    if source.path is None or not is_text_of_pair(source.path):
        raise ValueError("has no file .ann beside it; expected brat's pair of a text and its annotations")
    beside = source.path.with_suffix(".ann")
    entities: dict[str, Annotation] = {}
    concepts: dict[str, list[str]] = {}
    with Source(beside) as annotations:
        for line in numbered_lines(annotations.stream()):
            cause = line.fault or _read_line(line.text, text, entities, concepts)
            if cause is not None:
                yield Rejected(line.number, f"annotation left out: {cause}", line.text, str(beside))
    given = tuple(
        Annotation(one.start, one.end, one.surface, one.type, "|".join(concepts[key]) if key in concepts else None)
        for key, one in entities.items()
    )
    yield Document(source.stem, text, sections, given)


def _read_line(line: str, text: str, entities: dict[str, Annotation], concepts: dict[str, list[str]]) -> str | None:
    """Take one line in; returns why it cannot be, if so."""
    reference = _REFERENCE.fullmatch(line)
    if reference is not None:
        # `KB:D001260`, the vocabulary before the identifier.
        concepts.setdefault(reference[1], []).append(reference[2].strip().partition(":")[2] or reference[2].strip())
        return None
    if not line.startswith("T"):
        return None  # relations, events, attributes and notes are no mentions
    if _PIECES.match(line):
        return f"{line[:80]!r} is in several pieces; expected one"
    entity = _ENTITY.fullmatch(line)
    if entity is None:
        return f"{line[:80]!r}; expected `T1<tab>Type start end<tab>text`"
    annotation = Annotation(int(entity[3]), int(entity[4]), entity[5], entity[2])
    cause = misfit(text, annotation)
    if cause is None:
        entities[entity[1]] = annotation
    return cause
