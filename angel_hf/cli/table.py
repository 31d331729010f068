"""Linked mentions as tables for people."""

from __future__ import annotations

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from angel_hf.formats.answers import LinkedDocument, MappedIds, nothing_mapped
from angel_hf.formats.document import Document
from angel_hf.types import Candidate

_WIDTH = 110
_MOST_MAPPED = 3


class TableWriter:
    """Writes one table a document: each mention with its candidates, best first.

    Args:
        stream: where to; a terminal gets colours and its own width.
        mapped_ids: the other identifiers of a candidate, shown under the best candidate's own.
    """

    def __init__(self, stream: TextIO, mapped_ids: MappedIds = nothing_mapped) -> None:
        self._mapped_ids = mapped_ids
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
                concepts = " ".join(candidate.concept_ids) + (self._others(candidate) if rank == 0 else "")
                cells = (surface if rank == 0 else "", concepts, candidate.name)
                table.add_row(*map(Text, cells), Text(f"{candidate.score:.3f}"), style=style)
        self._console.print(table)

    def _others(self, candidate: Candidate) -> str:
        mapped = self._mapped_ids(candidate.concept_ids)
        more = f" and {len(mapped) - _MOST_MAPPED} more" if len(mapped) > _MOST_MAPPED else ""
        return f"\n= {' '.join(mapped[:_MOST_MAPPED])}{more}" if mapped else ""

    def close(self) -> None:
        """Nothing follows the last document."""


def _title(document: Document) -> str:
    """The id of a document that has one, and its title."""
    if len(document.sections) > 1 and document.sections[0].kind == "title":
        title = document.text[document.sections[0].start : document.sections[0].end]
        return f"{document.document_id}  {title}"
    has_id = "id" in document.fields or "text" not in document.fields
    return document.document_id if has_id else ""
