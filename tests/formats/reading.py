"""What a reader of terms makes of a text."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from angel_hf.formats.guarded import guarded
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term, Unnamed

Record = Term | Retired | Unnamed | Rejected


def records_of(read: Callable[..., Iterator[Record]], text: str | bytes, *options: Any) -> list[Record]:
    """Everything that a reader yields, guarded as in use."""
    data = text.encode() if isinstance(text, str) else text
    return list(guarded(Source(Path("file"), io.BytesIO(data)), lambda source: read(source, *options)))


def only(kind: type, records: list[Record]) -> list[Any]:
    """The records of one kind."""
    return [record for record in records if isinstance(record, kind)]


def causes(records: list[Record]) -> list[tuple[int, str]]:
    """Line and cause of what was rejected."""
    return [(record.line, record.cause) for record in records if isinstance(record, Rejected)]
