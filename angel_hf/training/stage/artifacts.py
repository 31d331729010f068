"""Directories that exist only when they are complete, built once by cooperating processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from accelerate import PartialState
from datasets import Dataset, load_from_disk


def finished(path: Path, write: Callable[[Path], None]) -> None:
    """Write a directory whole or not at all; the first process writes, all wait.

    Args:
        path: the directory; an existing one stays as it is.
        write: fills the directory that it is given.
    """
    if PartialState().is_main_process and not path.exists():
        partial = path.with_name(path.name + ".partial")
        partial.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.rename(path)
    PartialState().wait_for_everyone()


def missing(*paths: Path) -> bool:
    """Whether any of the paths is missing; all processes get the same answer, as all look before any continues."""
    state = PartialState()
    state.wait_for_everyone()
    found = all(path.exists() for path in paths)
    state.wait_for_everyone()
    return not found


def prepared(path: Path, build: Callable[[], Dataset]) -> Dataset:
    """The dataset at a path; if it is missing, the first process builds and saves it."""
    with PartialState().main_process_first():
        if not path.exists():
            partial = path.with_name(path.name + ".partial")
            build().save_to_disk(str(partial))
            partial.rename(path)
        return load_from_disk(str(path))


def prepared_together(path: Path, build: Callable[[], Dataset]) -> Dataset:
    """The dataset at a path; if it is missing, all processes call `build`, which gives each the whole."""
    if missing(path):
        built = build()
        return prepared(path, lambda: built)
    return load_from_disk(str(path))
