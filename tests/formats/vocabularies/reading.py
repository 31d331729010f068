"""Vocabularies written by hand, and what a reader makes of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term

FIXTURES = Path(__file__).parent / "fixtures"
Item = Term | Retired | Rejected
Read = Callable[..., Iterator[Item]]


def read_text(read: Read, text: str | bytes, name: str = "vocabulary", *options: Any) -> list[Item]:
    """Everything that a reader yields for a text."""
    data = text.encode() if isinstance(text, str) else text
    return list(read(Source(Path(name), io.BytesIO(data)), *options))


def read_file(read: Read, path: Path, *options: Any) -> list[Item]:
    """Everything that a reader yields for a file."""
    with Source(path) as source:
        return list(read(source, *options))


def terms(items: list[Item]) -> dict[str, Term]:
    """Terms by identifier; there must be one of each."""
    found = [item for item in items if isinstance(item, Term)]
    assert len({term.concept.concept_id for term in found}) == len(found)
    return {term.concept.concept_id: term for term in found}


def rejections(items: list[Item]) -> list[tuple[int, str]]:
    """Line and cause of what was rejected."""
    return [(item.line, item.cause) for item in items if isinstance(item, Rejected)]


def retired(items: list[Item]) -> dict[str, tuple[str, ...]]:
    """Successors of what is retired."""
    return {item.concept_id: item.successors for item in items if isinstance(item, Retired)}
