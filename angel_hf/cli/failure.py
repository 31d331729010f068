"""How a command ends when it fails: one line on stderr and exit code 2, never a traceback."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from angel_hf.formats.compression import DamagedError

ALL_DONE, SOME_REJECTED, FAILED = 0, 1, 2
"""Exit codes: everything was linked; some records were rejected and the rest was linked; nothing useful was done."""


class InputError(Exception):
    """What the user gave cannot be used; the message has what came, what was expected and what to do."""


@contextmanager
def failures_reported() -> Iterator[None]:
    """Turn errors that a user can cause into a message and exit code 2."""
    try:
        yield
    except (InputError, DamagedError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(FAILED) from None
    except OSError as error:
        # A reader that went away (`angel link ... | head`) is no failure; typer ends the program.
        if error.errno == errno.EPIPE:
            raise
        typer.echo(f"error: {describe_os_error(error)}", err=True)
        raise typer.Exit(FAILED) from None


def end_cleanly_when_terminated() -> None:
    """Make SIGTERM end the program as Ctrl-C does, hidden files removed, with exit code 143; a second one at once."""

    def end(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise SystemExit(128 + number)

    # Only a program's main thread may say so; elsewhere it is not this program that is to end.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)


def describe_os_error(error: OSError) -> str:
    """`FILE: no such file or directory` instead of `[Errno 2] No such file or directory: 'FILE'`."""
    if error.strerror is None:
        return str(error)
    reason = error.strerror[:1].lower() + error.strerror[1:]
    return reason if error.filename is None else f"{error.filename}: {reason}"
