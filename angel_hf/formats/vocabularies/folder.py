"""Vocabularies that are folders of several files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source


def file_in(folder: Path, name: str) -> Path | None:
    """A file of a folder by its name in whatever letter case, or gzipped; None where it is not there."""
    wanted = (name.lower(), f"{name.lower()}.gz")
    found = sorted(path for path in folder.iterdir() if path.name.lower() in wanted and path.is_file())
    return found[0] if found else None


def placed(rejected: Rejected, source: Source) -> Rejected:
    """The rejection with the file that it is of."""
    return Rejected(rejected.line, rejected.cause, rejected.raw, source.name, rejected.is_rest)


class Sorted:
    """Groups of rows of a file that is sorted by a key, read along with another file that is, too.

    Memory holds one group; a file that is not sorted is refused.
    """

    def __init__(self, groups: Iterator[tuple[str, list[list[str]]]]) -> None:
        self._groups = groups
        self._next = next(groups, None)

    def of(self, key: str) -> list[list[str]]:
        """The rows of a key; keys must be asked in ascending order."""
        while self._next is not None and self._next[0] < key:
            self._next = next(self._groups, None)
        return self._next[1] if self._next is not None and self._next[0] == key else []

    def finish(self) -> None:
        """Read what is left, so that a file in another order can't be taken for one without rows."""
        for _ in self._groups:
            pass
