"""`angel bench`: speed and memory on this machine, beside other ways to do the same."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angel_hf.cli.failure import FAILED, SOME_REJECTED, InputError, failures_reported

if TYPE_CHECKING:
    from benchmarks.suite import Part, Request, Run

app = typer.Typer(
    add_completion=False,
    help="Measure speed and memory on this machine; without a command, measure.",
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    parts: Annotated[
        list[str] | None, typer.Option("--part", help="Measure this part; may be given again. See --list.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Measure every part; without it, core and sweeps.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Show the parts and exit.")] = False,
    runs: Annotated[int, typer.Option(min=1, help="Measure so many times over, and show the spread.")] = 1,
    repeats: Annotated[int | None, typer.Option(min=1, help="Of every measurement within a run.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of the sweeps; other parts use one, or say what they use.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Less work: a look, not a measurement.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with reference/ and data/; else ANGEL_SHARED_DATA, else `shared` beside the source tree, "
            "else, where it will do, the committed sample.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file for every measurement.", dir_okay=False)] = None,
) -> None:
    """Measure, print tables and figures with their targets, and write every repeat to a file.

    Each part runs in a process of its own, which begins with the threads that it is to have. Peers run in the same
    process and take turns. With --output, the same command resumes an interrupted one.
    """
    if context.invoked_subcommand is not None:
        return
    with failures_reported():
        with _extras():
            from benchmarks import suite, suite_report
        if show:
            for part in suite.PARTS:
                typer.echo(f"{part.name:<10}{'core  ' if part.in_core else '      '}{part.measures}")
            return
        chosen = suite.PARTS if every else _chosen(suite.PARTS, parts)
        request = suite.Request(tuple(chosen), runs, repeats, threads, quick, data)
        found = _measure(request, output)
        suite_report.print_runs(found)
        if not any(run.parts for run in found):
            raise typer.Exit(FAILED)
        if any(run.lacking for run in found):
            raise typer.Exit(SOME_REJECTED)


@app.command()
def page(
    results: Annotated[list[Path], typer.Argument(help="Result files of `angel bench`.", exists=True, dir_okay=False)],
    docs: Annotated[Path, typer.Option(help="Folder for benchmarks.md and images/.", file_okay=False)] = Path("docs"),
) -> None:
    """Render the documentation's page and plots from result files."""
    with failures_reported():
        with _extras():
            from benchmarks.page import write_page
        try:
            written = write_page(results, docs)
        except ValueError as error:
            raise InputError(str(error)) from None
        for path in written:
            typer.echo(path)


def _measure(request: Request, output: Path | None) -> list[Run]:
    """The runs of a request, which are written to `output` at the end; an interrupted request is resumed."""
    with _extras():
        from benchmarks import suite
        from benchmarks.suite_file import SuiteFile

    def report(line: str) -> None:
        typer.echo(line, err=True)

    if output is None:
        return suite.measure(request, report)
    file = SuiteFile(output, shlex.join(["angel", *sys.argv[1:]]), request)
    try:
        measured = file.measured()
    except ValueError as error:
        raise InputError(str(error)) from None
    found = suite.measure(request, report, measured, file.keep)
    file.finish(found)
    return found


def _chosen(parts: tuple[Part, ...], names: list[str] | None) -> list[Part]:
    known = {part.name: part for part in parts}
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise InputError(f"--part {unknown[0]}: no such part; expected one of {', '.join(known)}")
    return [part for part in parts if (part.name in names if names else part.in_core)]


@contextmanager
def _extras() -> Iterator[None]:
    """Around imports of files of benchmarks/, which need the libraries of extras.

    Raises:
        InputError: one is missing.
    """
    try:
        yield
    except ImportError as error:
        raise InputError(f"this part of `angel bench` needs: pip install 'angel-hf[eval,parquet]' ({error})") from error
