"""The formats of annotated documents, and the writer of each."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TextIO

from angel_hf.formats.annotated_writer import AnnotatedWriter
from angel_hf.formats.bioc import BiocWriter
from angel_hf.formats.displacy import DisplacyWriter
from angel_hf.formats.jsonl import AnnotatedJsonlWriter
from angel_hf.formats.pubtator_records import AnnotatedPubtatorWriter


class AnnotatedFormat(str, Enum):
    """Formats of annotated documents."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    BIOC = "bioc"
    BRAT = "brat"
    HTML = "html"


STREAM_WRITERS: dict[AnnotatedFormat, Callable[[TextIO, str], AnnotatedWriter]] = {
    AnnotatedFormat.JSONL: AnnotatedJsonlWriter,
    AnnotatedFormat.PUBTATOR: AnnotatedPubtatorWriter,
    AnnotatedFormat.BIOC: BiocWriter,
    AnnotatedFormat.HTML: DisplacyWriter,
}
"""Writers of one stream, made from the stream and the type of annotations; brat needs a folder, see `BratWriter`."""
