"""`angel kb upgrade`: stored annotations brought to a new release of their vocabulary."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from angel_hf.cli.failure import ALL_DONE, SOME_REJECTED, InputError, failures_reported
from angel_hf.cli.kb import knowledge_base_errors
from angel_hf.cli.kb_files import terms_of
from angel_hf.cli.sink import RejectedFile, check_output, open_output
from angel_hf.formats.identifier_rewriting import rewrite_identifiers
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source


def upgrade(
    annotations: Annotated[
        Path, typer.Argument(help="PubTator, JSON lines, BioC JSON or XML, or brat's .ann; each .gz too.")
    ],
    old: Annotated[Path, typer.Option("--from", help="The release that the annotations have their identifiers from.")],
    new: Annotated[Path, typer.Option("--to", help="The release whose identifiers they are to have.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write, in the format of ANNOTATIONS.")],
) -> None:
    """Rewrite the identifiers that a new release replaced or merged; everything else stays as it came.

    What is retired without one successor, or unknown, is left as it is, and listed in OUTPUT.rejected.jsonl. Lines that
    cannot be read go there instead of to the output. Exit code 0: all is resolved; 1: something is listed; 2: nothing
    could be done.
    """
    with failures_reported(), knowledge_base_errors():
        aside = RejectedFile(output.with_name(output.name + ".rejected.jsonl"))
        _check(annotations, output)
        outcomes, unresolved = _rewrite(annotations, old, new, output, aside)
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common()) or "none"
    typer.echo(f"{output}: identifiers: {told}", err=True)
    for (identifier, cause), count in unresolved.most_common(_MOST_SHOWN):
        typer.echo(f"  {identifier} ({count:,}): {cause}", err=True)
    if len(unresolved) > _MOST_SHOWN:
        typer.echo(f"  and {len(unresolved) - _MOST_SHOWN:,} more identifiers", err=True)
    if aside.count:
        typer.echo(f"{aside.path}: {aside.count:,} places to look at", err=True)
    raise typer.Exit(SOME_REJECTED if aside.count else ALL_DONE)


_MOST_SHOWN = 20


def _check(annotations: Path, output: Path) -> None:
    check_output(output)
    if annotations.resolve() == output.resolve():
        raise InputError(f"{output}: is ANNOTATIONS itself; expected another file")
    if output.suffix.lower() == ".gz":
        raise InputError(f"{output}: expected a name without .gz; compress it afterwards")


def _rewrite(
    annotations: Path, old: Path, new: Path, output: Path, aside: RejectedFile
) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Write the output; returns how many identifiers became what, and the unresolved ones with their causes."""
    from angel_hf.knowledge_base.release import Release
    from angel_hf.knowledge_base.renewal import UNRESOLVED, Renewal

    outcomes: Counter[str] = Counter()
    unresolved: Counter[tuple[str, str]] = Counter()
    with ExitStack() as opened:
        source = opened.enter_context(Source(annotations))
        renewal = Renewal(Release(terms_of(old)), Release(terms_of(new)))
        opened.enter_context(aside)
        stream = opened.enter_context(open_output(output))

        def renew(identifier: str, line: int) -> str:
            renewed = renewal.renew(identifier)
            outcomes[renewed.outcome] += 1
            if renewed.outcome in UNRESOLVED:
                cause = UNRESOLVED[renewed.outcome]
                cause += f": {' '.join(renewed.successors)}" if renewed.successors else ""
                unresolved[identifier.strip(), cause] += 1
                aside.add(Rejected(line, f"{identifier.strip()}: {cause}", identifier, str(annotations)))
            return renewed.identifier

        for piece in rewrite_identifiers(source, renew):
            if isinstance(piece, Rejected):
                aside.add(piece)
                typer.echo(str(piece), err=True)
            else:
                stream.write(piece)
    return outcomes, unresolved
