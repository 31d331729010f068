"""What a format of terms is: how a file or folder is recognised to be of it, and its reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term, Unnamed

Records = Iterator[Term | Retired | Unnamed | Rejected]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format of one file.

    Args:
        name: for errors and help.
        is_it: whether a file is of it, by the source's name and its first characters, without empty lines in front.
        read: its terms; a selection says which.
        heeded: what of a selection it heeds.
        normalization: the one that fits its names.
    """

    name: str
    is_it: Callable[[Source, str], bool]
    read: Callable[[Source, Selection], Records]
    heeded: tuple[str, ...] = ()
    normalization: str = "lowercase-punctuation"


@dataclass(frozen=True, slots=True)
class FolderFormat:
    """A format of a folder of several files; see `FileFormat`."""

    name: str
    is_it: Callable[[Path], bool]
    read: Callable[[Path, Selection], Records]
    heeded: tuple[str, ...] = ()
    normalization: str = "lowercase-punctuation"


def starts_with(pattern: str) -> Callable[[Source, str], bool]:
    """Whether the first characters are of a form."""
    compiled = re.compile(pattern)
    return lambda _, head: compiled.match(head) is not None


def has_root(*names: str) -> Callable[[Source, str], bool]:
    """XML whose root is one of some elements, after a declaration, comments and a DTD."""
    root = re.compile(rf"<(?:\w+:)?(?:{'|'.join(map(re.escape, names))})[\s>/]")
    return lambda _, head: head.lstrip().startswith("<") and root.search(head) is not None


def plain(read: Callable[[Source], Records]) -> Callable[[Source, Selection], Records]:
    """A reader that heeds no selection."""
    return lambda source, _: read(source)


def refused(cause: str) -> Callable[[Source, Selection], Records]:
    """The reader of a format that is known, and not read; the cause says what to give instead."""

    def read(source: Source, _: Selection) -> Records:
        yield Rejected(0, cause, source=source.name, is_rest=True)

    return read
