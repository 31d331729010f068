"""What a reader yields, with everything that stops it turned into a rejection that names file and place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source

Item = TypeVar("Item")

# What a reader meets in input that no one foresaw: nested too deeply, a number too large, a list for an object.
_UNFORESEEN = (RecursionError, MemoryError, ArithmeticError, LookupError, TypeError, AttributeError, AssertionError)


def guarded(source: Source, read: Callable[[Source], Iterator[Item | Rejected]]) -> Iterator[Item | Rejected]:
    """The records of a source; whatever stops the reader is a last rejection with `is_rest`, never an exception.

    Every rejection names its source.
    """
    records = read(source)
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except (OSError, ValueError) as error:
            yield _rest(source, str(error).removeprefix(f"{source.name}: "))
            return
        except _UNFORESEEN as error:
            after = f"after {source.position:,} bytes" if source.position else "at its start"
            yield _rest(source, f"cannot be read {after} ({_named(error)}); expected a file that its format allows")
            return
        yield _placed(record, source) if isinstance(record, Rejected) and not record.source else record


def _rest(source: Source, cause: str) -> Rejected:
    return Rejected(0, cause, source=source.name, is_rest=True)


def _placed(rejected: Rejected, source: Source) -> Rejected:
    return Rejected(rejected.line, rejected.cause, rejected.raw, source.name, rejected.is_rest)


def _named(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, MemoryError):
        return "too large for the memory"
    return f"{type(error).__name__}: {error}"
