"""`angel bench`: speed and memory on this machine, beside other ways to do the same."""

from __future__ import annotations

import importlib
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from angel_hf.cli.failure import FAILED, SOME_REJECTED, InputError, failures_reported

app = typer.Typer(help="Measure speed and memory on this machine; without a command, measure.", rich_markup_mode=None)

_SOURCE_TREE = Path(__file__).parents[2]


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    parts: Annotated[
        list[str] | None, typer.Option("--part", help="Measure this part; may be given again. See --list.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Measure every part; without it, core and sweeps.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Show the parts and exit.")] = False,
    runs: Annotated[int, typer.Option(min=1, help="Measure so many times over, and tell the spread.")] = 1,
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
    process and take turns. With --output, the same command goes on where it was stopped. Works in a source tree only.
    """
    if context.invoked_subcommand is not None:
        return
    with failures_reported():
        suite = _measuring("suite")
        if show:
            for part in suite.PARTS:
                typer.echo(f"{part.name:<10}{'core  ' if part.in_core else '      '}{part.measures}")
            return
        chosen = suite.PARTS if every else _chosen(suite.PARTS, parts)
        request = suite.Request(tuple(chosen), runs, repeats, threads, quick, data)
        found = _measure(suite, request, output)
        _measuring("suite_report").print_runs(found)
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
        try:
            written = _measuring("page").write_page(results, docs)
        except ValueError as error:
            raise InputError(str(error)) from None
        for path in written:
            typer.echo(path)


def _measure(suite: Any, request: Any, output: Path | None) -> list[Any]:
    """The runs of a request, which are written to `output` at the end, and gone on with where they were stopped."""

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    if output is None:
        return suite.measure(request, tell)
    file = _measuring("suite_file").SuiteFile(output, shlex.join(["angel", *sys.argv[1:]]), request)
    try:
        measured = file.measured()
    except ValueError as error:
        raise InputError(str(error)) from None
    found = suite.measure(request, tell, measured, file.keep)
    file.finish(found)
    return found


def _chosen(parts: tuple[Any, ...], names: list[str] | None) -> list[Any]:
    known = {part.name: part for part in parts}
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise InputError(f"--part {unknown[0]}: no such part; expected one of {', '.join(known)}")
    return [part for part in parts if (part.name in names if names else part.in_core)]


def _measuring(name: str) -> Any:
    """A file of benchmarks/, which is built on this package and stays in the source tree: asked for by name."""
    if not (_SOURCE_TREE / "benchmarks" / f"{name}.py").is_file():
        raise InputError(
            "measuring works in a source tree, with its folder benchmarks/; the installed package has the linker only: "
            "clone the repository and run `make bench` there"
        )
    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ImportError as error:
        raise InputError(f"this part of `angel bench` needs: pip install 'angel-hf[eval,parquet]' ({error})") from error
