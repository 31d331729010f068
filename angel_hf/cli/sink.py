"""The output of commands: results to a file or standard output, rejected records to a file beside them."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from angel_hf.arrays.array_file import written_whole
from angel_hf.cli.failure import InputError
from angel_hf.formats.jsonl import to_json
from angel_hf.formats.rejected import Rejected


@contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Open standard output, or a file that gets its name only when it is complete.

    Text is written as UTF-8 with `\\n` after each line, whatever the terminal or the system prefer.

    Raises:
        InputError: the file cannot be there.
    """
    if path is None:
        with _named("standard output"), _standard_output() as stream:
            yield stream
        return
    check_output(path)
    path = path.resolve()
    if path.exists() and not path.is_file():
        # A pipe or a device is written to, not replaced.
        with _named(str(path)), path.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    with written_whole(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        yield stream


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name what was written to where the system does not, as when a disk is full; a reader that went away is none."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        raise OSError(error.errno, error.strerror, name) from error


def check_output(path: Path) -> None:
    """Refuse a file that cannot be written, before the work and not after it.

    Raises:
        InputError: it is a folder, or its folder is not there.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected the name of a file to write")
    if not path.resolve().parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first")


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    sys.stdout.flush()
    stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
    try:
        yield stream
        stream.flush()
    finally:
        stream.detach()


class RejectedFile:
    """Writes rejected records aside as JSON lines of `source`, `line`, `cause` and `record`; made with the first.

    Args:
        path: the file; it gets its name when the run ends, and replaces one of an earlier run. That one is removed
            where no record was rejected, as its records are linked now.

    Attributes:
        count: number of records rejected so far.
        first: the first of them, with its place and cause.
    """

    MOST_SHOWN = 20

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.first = ""
        self._stream: TextIO | None = None
        self._opened = ExitStack()

    def __enter__(self) -> RejectedFile:
        check_output(self.path)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._opened.__exit__(*exception)
        if exception[0] is None and not self.count and self.path.is_file():
            self.path.resolve().unlink()

    def add(self, rejected: Rejected) -> str | None:
        """Write one record aside; returns a line for stderr, or None after the first twenty."""
        if self._stream is None:
            self._stream = self._opened.enter_context(open_output(self.path))
        self.count += 1
        self.first = self.first or str(rejected)
        source = {"source": rejected.source} if rejected.source else {}
        row = {**source, "line": rejected.line, "cause": rejected.cause, "record": rejected.raw}
        self._stream.write(to_json(row) + "\n")
        if self.count <= self.MOST_SHOWN:
            return str(rejected)
        return "further causes are only in the file" if self.count == self.MOST_SHOWN + 1 else None
