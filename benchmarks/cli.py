"""The command line of the benchmarks."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer
from transformers.utils import logging

from benchmarks.data import find_data
from benchmarks.machine import this_machine
from benchmarks.report import print_run
from benchmarks.result_file import Run, write_run
from benchmarks.search_speed import measure_search
from benchmarks.trie_cost import measure_trie

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def bench(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with reference/small and data/kb; else ANGEL_SHARED_DATA, else `shared` beside the source "
            "tree, else the committed sample.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file for all measurements.", dir_okay=False)] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few repeats, less work: a look, not a measurement.")] = False,
    seed: Annotated[int, typer.Option(help="Of the order in which mentions come.")] = 13,
    repeats: Annotated[
        int | None, typer.Option(min=1, help="Of every measurement; else 3, of quick ones fewer.")
    ] = None,
) -> None:
    """Measure search and trie against transformers' generate and a nested dict, on one thread."""
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    try:
        found = find_data(data)
    except FileNotFoundError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    machine = this_machine()
    run = Run(
        command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        quick=quick,
        seed=seed,
        machine=machine,
        data=found,
        search=measure_search(
            found, repeats=repeats or (2 if quick else 3), copies=2 if quick else 4, seed=seed, progress=_report
        ),
        trie=measure_trie(
            found, repeats=repeats or (1 if quick else 3), most_names=50_000 if quick else None, progress=_report
        ),
    )
    print_run(run)
    if output is not None:
        write_run(output, run)


def _report(line: str) -> None:
    typer.echo(line, err=True)
