"""Linked mentions as tables for people."""

from __future__ import annotations

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from angel_hf.formats.answers import LinkedDocument
from angel_hf.formats.document import Document

_WIDTH = 110


class TableWriter:
    """Writes one table a document: each mention with its candidates, best first.

    Args:
        stream: where to; a terminal gets colours and its own width.
    """

    def __init__(self, stream: TextIO) -> None:
        width = None if stream.isatty() else _WIDTH
        self._console = Console(file=stream, width=width, highlight=False, emoji=False, markup=False)

    def write(self, document: LinkedDocument) -> None:
        """Write one document."""
        title = _title(document.document)
        if title:
            self._console.print(Text(title, style="bold"), no_wrap=True, overflow="ellipsis")
        # Shares of the width and not of the contents, so that the columns of all tables are aligned.
        table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), pad_edge=False)
        table.add_column("mention", ratio=8, overflow="fold")
        table.add_column("concept", ratio=6, overflow="fold")
        table.add_column("name", ratio=10, overflow="fold")
        table.add_column("score", width=8, justify="right")
        for linked, read_as in zip(document.linked, document.read_as):
            surface = linked.mention.surface
            surface += "" if read_as == surface else f" = {read_as}"
            if not linked.candidates:
                table.add_row(Text(surface), Text("-"), Text("no name found"), Text("-"))
            for rank, candidate in enumerate(linked.candidates):
                style = "" if rank == 0 else "dim"
                cells = (surface if rank == 0 else "", " ".join(candidate.concept_ids), candidate.name)
                table.add_row(*map(Text, cells), Text(f"{candidate.score:.3f}"), style=style)
        self._console.print(table)

    def close(self) -> None:
        """Nothing follows the last document."""


def _title(document: Document) -> str:
    """The id of a document that has one, and its title."""
    if len(document.sections) > 1 and document.sections[0].kind == "title":
        title = document.text[document.sections[0].start : document.sections[0].end]
        return f"{document.document_id}  {title}"
    has_id = "id" in document.fields or "text" not in document.fields
    return document.document_id if has_id else ""
