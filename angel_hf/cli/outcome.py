"""How a command over documents ends: its counts, its rejected records, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from tqdm import tqdm

from angel_hf.cli.document_inputs import DocumentInputs
from angel_hf.cli.failure import ALL_DONE, SOME_REJECTED, InputError
from angel_hf.cli.sink import RejectedFile, check_output
from angel_hf.formats.rejected import Rejected


def rejected_path(rejected: Path | None, output: Path | None, inputs: DocumentInputs) -> Path:
    """Where rejected records go: as named, or beside the output, or else the input.

    Raises:
        InputError: that place is not there, or is the input or the output.
    """
    beside = output or inputs.given or Path("stdin")
    path = rejected or beside.resolve().with_name(f"{beside.resolve().name}.rejected.jsonl")
    if rejected is None and beside.parent == Path("."):
        path = Path(path.name)
    check_output(path)
    if output is not None and output.resolve() == path.resolve():
        raise InputError(f"--output and --rejected both name {output}; expected two files")
    inputs.check_output(path)
    return path


class NothingDoneError(Exception):
    """All was rejected: there is no output."""


def failure_of(rejected: RejectedFile) -> InputError:
    """The error of a command of which nothing was done."""
    if rejected.count == 1:
        return InputError(rejected.first)
    return InputError(f"none of {rejected.count:,} documents could be used; see {rejected.path}")


def finished(rejected: RejectedFile, run: Callable[[], int]) -> int:
    """Run over documents with the file of rejected records open; returns the exit code.

    Where nothing was done there is no output, and of several rejected records the file of them stays.

    Raises:
        InputError: nothing was done.
    """
    with rejected:
        try:
            return run()
        except NothingDoneError:
            if rejected.count == 1:
                raise failure_of(rejected) from None
    raise failure_of(rejected)


def finish(verb: str, documents: int, mentions: int, rejected: RejectedFile) -> int:
    """Report the counts on standard error; returns the exit code.

    Raises:
        NothingDoneError: all was rejected.
    """
    if rejected.count and not documents:
        raise NothingDoneError
    where = f"; {rejected.count:,} rejected, written to {rejected.path}" if rejected.count else ""
    typer.echo(f"{verb} {_counted(mentions, 'mention')} in {_counted(documents, 'document')}{where}", err=True)
    return SOME_REJECTED if rejected.count else ALL_DONE


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class Progress:
    """A bar of bytes read, with the documents and mentions done; rejections are shown above it."""

    def __init__(self, inputs: DocumentInputs, bar: tqdm) -> None:
        self._inputs = inputs
        self._bar = bar

    def update(self, documents: int, mentions: int) -> None:
        """Show what is done."""
        self._bar.set_postfix(documents=documents, mentions=mentions, refresh=False)
        self._bar.update(self._inputs.position - self._bar.n)

    @staticmethod
    def reject(aside: RejectedFile, rejected: Rejected) -> None:
        """Put a record aside, and show the first of them."""
        message = aside.add(rejected)
        if message:
            tqdm.write(f"rejected {message}", file=sys.stderr)


@contextmanager
def progress_of(inputs: DocumentInputs, description: str, is_hidden: bool) -> Iterator[Progress]:
    """A bar on standard error, where that is a terminal."""
    # `disable=None` leaves the bar out where stderr is no terminal.
    hidden = True if is_hidden else None
    with tqdm(total=inputs.size, unit="B", unit_scale=True, desc=description, file=sys.stderr, disable=hidden) as bar:
        yield Progress(inputs, bar)


def say(remark: str | None) -> None:
    """Print a writer's remark on standard error, if it has one."""
    if remark is not None:
        typer.echo(remark, err=True)
