"""What a reader yields, with everything that stops it turned into a rejection that names file and place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.jobs.readable import UNFORESEEN, what_stopped

Item = TypeVar("Item")


def guarded(source: Source, read: Callable[[Source], Iterator[Item | Rejected]]) -> Iterator[Item | Rejected]:
    """The records of a source; whatever stops the reader is a last rejection with `is_rest`, never an exception.

    Every rejection names its source.
    """
    return _guarded(source.name, read(source), lambda: source.position)


def guarded_folder(folder: Path, read: Callable[[Path], Iterator[Item | Rejected]]) -> Iterator[Item | Rejected]:
    """The records of a folder of several files, as `guarded`."""
    return _guarded(str(folder), read(folder), lambda: 0)


def _guarded(name: str, records: Iterator[Item | Rejected], position: Callable[[], int]) -> Iterator[Item | Rejected]:
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except (OSError, ValueError) as error:
            yield _rest(name, str(error).removeprefix(f"{name}: "))
            return
        except UNFORESEEN as error:
            after = f"after {position():,} bytes" if position() else "at its start"
            yield _rest(name, f"cannot be read {after} ({what_stopped(error)}); expected a file that its format allows")
            return
        yield _placed(record, name) if isinstance(record, Rejected) and not record.source else record


def _rest(name: str, cause: str) -> Rejected:
    return Rejected(0, cause, source=name, is_rest=True)


def _placed(rejected: Rejected, name: str) -> Rejected:
    return Rejected(rejected.line, rejected.cause, rejected.raw, name, rejected.is_rest)
