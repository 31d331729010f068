"""Linked mentions as tables for people."""

from __future__ import annotations

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from angel_hf.formats.records import LinkedRecord, Record

_WIDTH = 110


class TableWriter:
    """Writes one table a record: each mention with its candidates, best first.

    Args:
        stream: where to; a terminal gets colours and its own width.
    """

    def __init__(self, stream: TextIO) -> None:
        width = None if stream.isatty() else _WIDTH
        self._console = Console(file=stream, width=width, highlight=False, emoji=False, markup=False)

    def write(self, linked_record: LinkedRecord) -> None:
        """Write one record."""
        title = _title(linked_record.record)
        if title:
            self._console.print(Text(title, style="bold"), no_wrap=True, overflow="ellipsis")
        # Shares of the width and not of the contents, so that the columns of all tables are aligned.
        table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), pad_edge=False)
        table.add_column("mention", ratio=8, overflow="fold")
        table.add_column("concept", ratio=6, overflow="fold")
        table.add_column("name", ratio=10, overflow="fold")
        table.add_column("score", width=8, justify="right")
        for linked, read_as in zip(linked_record.linked, linked_record.read_as):
            surface = linked.mention.surface
            surface += "" if read_as == surface else f" = {read_as}"
            if not linked.candidates:
                table.add_row(Text(surface), Text("-"), Text("no name found"), Text("-"))
            for rank, candidate in enumerate(linked.candidates):
                style = "" if rank == 0 else "dim"
                cells = (surface if rank == 0 else "", " ".join(candidate.concept_ids), candidate.name)
                table.add_row(*map(Text, cells), Text(f"{candidate.score:.3f}"), style=style)
        self._console.print(table)


def _title(record: Record) -> str:
    """The id of a record and, for a document, its title."""
    name = record.fields.get("id")
    if record.document is not None:
        return f"{name}  {record.document.title}"
    return "" if name is None else str(name)
