"""The formats that `angel link` writes, and the writer of each."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Protocol, TextIO

from angel_hf.cli.table import TableWriter
from angel_hf.formats.jsonl import JsonlWriter
from angel_hf.formats.pubtator_records import Annotations, PubtatorWriter
from angel_hf.formats.records import LinkedRecord


class OutputFormat(str, Enum):
    """Formats of linked records."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    TABLE = "table"


class RecordWriter(Protocol):
    """Writes linked records in one format."""

    def write(self, linked_record: LinkedRecord) -> None:
        """Write one record."""


def default_format(output: Path | None) -> OutputFormat:
    """The format for an output file, or for standard output (None)."""
    if output is not None and output.suffix == ".pubtator":
        return OutputFormat.PUBTATOR
    return OutputFormat.TABLE if output is None and sys.stdout.isatty() else OutputFormat.JSONL


def record_writer(form: OutputFormat, stream: TextIO, annotations: Annotations) -> RecordWriter:
    """The writer of a format; `annotations` is for PubTator."""
    if form is OutputFormat.PUBTATOR:
        return PubtatorWriter(stream, annotations)
    return JsonlWriter(stream) if form is OutputFormat.JSONL else TableWriter(stream)
