"""`angel kb diff`: what a new release of a vocabulary changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from angel_hf.cli.failure import failures_reported
from angel_hf.cli.kb import knowledge_base_errors
from angel_hf.cli.kb_files import check_ending, terms_of, write_rows
from angel_hf.cli.sink import check_output, open_output

_ENDINGS = (".jsonl", ".tsv", ".csv")
_MOST_EXAMPLES = 3


def diff(
    old: Annotated[Path, typer.Argument(help="The release in use, in any form that `angel kb build` reads.")],
    new: Annotated[Path, typer.Argument(help="The release to compare it with.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Every change, a row each: .jsonl, .tsv or .csv.", show_default=False),
    ] = None,
) -> None:
    """Show what a new release adds, removes, merges, splits and renames; identifiers may be spelled differently."""
    from angel_hf.knowledge_base.changes import KINDS, Change, compare
    from angel_hf.knowledge_base.release import Release

    with failures_reported(), knowledge_base_errors():
        if output is not None:
            check_ending(output, _ENDINGS)
            check_output(output)
        before, after = Release(terms_of(old)), Release(terms_of(new))
        changes = list(compare(before, after))
        if output is not None:
            columns = [field.name for field in fields(Change)]
            with open_output(output) as stream:
                write_rows(stream, output.suffix.lower(), columns, map(asdict, changes))
    typer.echo(f"{old}: {len(before.concepts):,} concepts; {new}: {len(after.concepts):,} concepts")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("change")
    table.add_column("concepts", justify="right")
    table.add_column("meaning and examples", overflow="fold")
    counts = Counter(change.kind for change in changes)
    for kind, meaning in KINDS.items():
        examples = [change for change in changes if change.kind == kind][:_MOST_EXAMPLES]
        lines = [meaning, *(_example(change) for change in examples)]
        table.add_row(Text(kind), Text(f"{counts[kind]:,}"), Text("\n".join(lines)))
    Console(highlight=False).print(table)


def _example(change: object) -> str:
    kind, concept_id, name, before, after = (
        getattr(change, one) for one in ("kind", "concept_id", "name", "before", "after")
    )
    if kind in ("merged", "replaced", "split"):
        return f"  {concept_id} {name} -> {' '.join(after)}"
    if kind in ("added", "removed"):
        return f"  {concept_id} {name}"
    signs = [f"-{one}" for one in before[:2]] + [f"+{one}" for one in after[:2]]
    return f"  {concept_id} {name}: {', '.join(signs)}"
