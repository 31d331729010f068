"""Formats of records of given mentions."""

from __future__ import annotations

import re
from enum import Enum

from angel_hf.formats.source import Source


class InputFormat(str, Enum):
    """Formats of records of given mentions."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    TEXT = "text"


_ENDINGS = {".jsonl": InputFormat.JSONL, ".ndjson": InputFormat.JSONL, ".pubtator": InputFormat.PUBTATOR}


def recognise(source: Source) -> InputFormat:
    """The format, by the ending of the name or else by the first line.

    Raises:
        ValueError: neither decides; the message shows the line and names the option to use.
    """
    if source.ending in _ENDINGS:
        return _ENDINGS[source.ending]
    first = source.head().lstrip().partition("\n")[0]
    if not first or first.startswith("{"):
        return InputFormat.JSONL
    if re.match(r"[^|\t]+\|t\|", first):
        return InputFormat.PUBTATOR
    if "[[" in first:
        return InputFormat.TEXT
    source.close()
    raise ValueError(
        f"{source.name}: cannot tell the format from its first line {first[:80]!r}; expected a JSON object with text "
        "and spans, PubTator's `id|t|title`, or a sentence with [[mention]] marks; or name it with --input-format"
    )
