"""What could not be read: one record, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not be read or used.

    Args:
        line: where it starts in its source, counted from 1; 0 where the source has no lines (a row group, an archive).
        cause: what came, what was expected, and what to do.
        raw: the record as it came, cut where it is long; for the file of rejected records.
        source: the file, or "standard input"; empty for text that came as an argument.
        is_rest: nothing after this record could be read either, as where a file is cut short.
    """

    line: int
    cause: str
    raw: str = ""
    source: str = ""
    is_rest: bool = False

    @property
    def place(self) -> str:
        """`FILE:LINE`, as far as they are known."""
        return ":".join(part for part in (self.source, str(self.line) if self.line else "") if part)

    def __str__(self) -> str:
        return f"{self.place}: {self.cause}" if self.place else self.cause
