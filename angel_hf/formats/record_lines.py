"""Formats of one record a line: what cannot be read is rejected with its cause, and costs that line only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from angel_hf.formats.lines import Line
from angel_hf.formats.rejected import Rejected

Record = TypeVar("Record")


def read_each(lines: Iterable[Line], read: Callable[[Line], Record]) -> Iterator[Record | Rejected]:
    """The record of each line that is not empty; `read` raises ValueError where there is none."""
    for line in lines:
        if not line.text.strip():
            continue
        if line.fault is not None:
            yield Rejected(line.number, line.fault, line.text)
            continue
        try:
            yield read(line)
        except RecursionError:
            yield Rejected(line.number, "nested too deeply; expected the few levels of a record", line.text)
        except (ValueError, OverflowError) as error:
            yield Rejected(line.number, str(error), line.text)
