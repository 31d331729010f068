"""What could not be read of a knowledge base's file, counted and told; the rest is read."""

from __future__ import annotations

from collections.abc import Callable

from angel_hf.formats.rejected import Rejected

MOST_SHOWN = 20


class Rejections:
    """Records that could not be read: counted, the first of them kept.

    Args:
        strict: the first one is an error instead.
        put_aside: called with each, as to write it into a file.

    Attributes:
        count: how many there are.
        first: the first 20.
        unnamed: how many terms have no name, which is no fault.
    """

    def __init__(self, strict: bool = False, put_aside: Callable[[Rejected], object] | None = None) -> None:
        self.strict = strict
        self._put_aside = put_aside
        self.count = 0
        self.first: list[Rejected] = []
        self.unnamed = 0

    def add(self, rejected: Rejected) -> None:
        """Count one.

        Raises:
            ValueError: it is the rest of a file, which is damaged; or the reading is strict.
        """
        if rejected.is_rest or self.strict:
            raise ValueError(str(rejected))
        self.count += 1
        if self._put_aside is not None:
            self._put_aside(rejected)
        if len(self.first) < MOST_SHOWN:
            self.first.append(rejected)

    def told(self) -> str:
        """Lines for a person: each of the first, and how many there are in all; empty where there are none."""
        lines = list(map(str, self.first))
        if self.unnamed:
            terms = "term" if self.unnamed == 1 else "terms"
            lines.append(f"{self.unnamed:,} {terms} without a name passed over, as ontologies allow them")
        if self.count:
            more = "" if self.count == len(self.first) else f" ({self.count - len(self.first):,} more not shown)"
            records = "record or name was" if self.count == 1 else "records or names were"
            lines.append(f"{self.count:,} {records} left out{more}; the others were read")
        return "\n".join(lines)
