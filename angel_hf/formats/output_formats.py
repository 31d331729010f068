"""The formats of answers, and the writer of each."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TextIO

from angel_hf.formats.answers import AnnotatedWriter, LinkedWriter, MappedIds, nothing_mapped
from angel_hf.formats.bioc_writer import AnnotatedBiocWriter, LinkedBiocWriter
from angel_hf.formats.displacy import DisplacyWriter
from angel_hf.formats.jsonl import AnnotatedJsonlWriter, LinkedJsonlWriter
from angel_hf.formats.pubtator_writer import AnnotatedPubtatorWriter, Annotations, LinkedPubtatorWriter
from angel_hf.formats.reading import Offsets


class AnnotatedFormat(str, Enum):
    """Formats of annotated documents."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    BIOC = "bioc"
    BRAT = "brat"
    HTML = "html"


class LinkedFormat(str, Enum):
    """Formats of documents whose given mentions were linked; `table` is for people."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    BIOC = "bioc"
    TABLE = "table"


_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".pubtator": "pubtator",
    ".xml": "bioc",
    ".bioc": "bioc",
    ".html": "html",
    ".htm": "html",
}


def format_of_name(path: Path | None) -> str | None:
    """The format that the ending of an output's name says, in any letter case; None where it says none."""
    return None if path is None else _ENDINGS.get(path.suffix.lower())


def linked_writer(
    form: LinkedFormat,
    stream: TextIO,
    annotations: Annotations,
    offsets: Offsets,
    mapped_ids: MappedIds = nothing_mapped,
) -> LinkedWriter:
    """The writer of a format other than `table`.

    Args:
        form: the format.
        stream: where to.
        annotations: for PubTator, what becomes of given identifiers.
        offsets: what those of JSON lines count.
        mapped_ids: for JSON lines, the other identifiers of a candidate.
    """
    if form is LinkedFormat.PUBTATOR:
        return LinkedPubtatorWriter(stream, annotations)
    return LinkedBiocWriter(stream) if form is LinkedFormat.BIOC else LinkedJsonlWriter(stream, offsets, mapped_ids)


def annotated_writer(
    form: AnnotatedFormat, stream: TextIO, kind: str, offsets: Offsets, mapped_ids: MappedIds = nothing_mapped
) -> AnnotatedWriter:
    """The writer of a format of one stream; brat needs a folder, see `BratWriter`.

    Args:
        form: the format.
        stream: where to.
        kind: the type of the annotations.
        offsets: what those of JSON lines count.
        mapped_ids: for JSON lines, the other identifiers of a candidate.

    Raises:
        ImportError: html without spaCy.
    """
    if form is AnnotatedFormat.JSONL:
        return AnnotatedJsonlWriter(stream, kind, offsets, mapped_ids)
    writers: dict[AnnotatedFormat, Callable[[TextIO, str], AnnotatedWriter]] = {
        AnnotatedFormat.PUBTATOR: AnnotatedPubtatorWriter,
        AnnotatedFormat.BIOC: AnnotatedBiocWriter,
        AnnotatedFormat.HTML: DisplacyWriter,
    }
    return writers[form](stream, kind)
