"""`angel train`: a model from a recipe."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from angel_hf.cli.failure import InputError, failures_reported

RecipeName = Annotated[
    str, typer.Option("--recipe", help="The name of a recipe of the package, or a TOML file.", metavar="NAME_OR_FILE")
]
DataDirectory = Annotated[Path, typer.Option(help="The directory that the recipe's paths are below.", file_okay=False)]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Replace a value of the recipe, as in fine_tuning.steps=500; preference={} drops that stage.",
        metavar="KEY=VALUE",
    ),
]


def train(
    recipe: RecipeName,
    data: DataDirectory = Path("."),
    output: Annotated[
        Path | None, typer.Option(help="Directory of the run; default: runs/ and the recipe's name.", file_okay=False)
    ] = None,
    changes: Changes = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes of one thread each that share every batch.")] = 1,
    reuse: Annotated[
        Path | None,
        typer.Option(help="Another run whose finished stages are taken over where the recipes agree.", exists=True),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its cost, and train nothing.")] = False,
) -> None:
    """Train a model by a recipe; the same command resumes an interrupted run."""
    with failures_reported():
        if processes > 1 and not dry_run and "LOCAL_RANK" not in os.environ:
            _launch(processes)
        if "LOCAL_RANK" in os.environ:
            _end_with(os.getppid())
        check_extra()
        from angel_hf.training.recipes.reading import read_recipe
        from angel_hf.training.run.pipeline import run_recipe

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
        try:
            chosen = read_recipe(recipe, changes or ())
            if dry_run:
                from angel_hf.training.run.plan import format_plan

                typer.echo(format_plan(chosen, processes))
                return
            run_recipe(chosen, data, output or Path("runs") / chosen.name, reuse)
        except (ValueError, ImportError) as error:
            raise InputError(str(error)) from None


def check_extra() -> None:
    """Refuse to start without the libraries of the extra.

    Raises:
        InputError: one is missing.
    """
    try:
        # Here, so that help loads no library. The package is the door.
        import angel_hf.training  # noqa: F401
    except ImportError as error:
        raise InputError(str(error)) from None


def _launch(processes: int) -> None:
    """Start this command again in several processes of one thread each, which train faster than one of several."""
    environment = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"} | os.environ
    launcher = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}", "-m", "angel_hf"]
    os.execve(sys.executable, [*launcher, *sys.argv[1:]], environment)


def _end_with(launcher: int) -> None:
    """End this process when its launcher is gone: after a `kill -9` of that it would train on, unseen."""

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
