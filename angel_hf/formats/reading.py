"""How documents are to be read: what is needed of them, and what their offsets count."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate


class Offsets(str, Enum):
    """What the offsets of JSON lines count: characters (Python, most tools) or UTF-16 units (JavaScript, Java)."""

    CODE_POINTS = "code-points"
    UTF_16 = "utf-16"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a document is read.

    Args:
        mentions: the given mentions are needed; without, faults in them do not matter and a text suffices.
        offsets: what the spans of JSON lines count; the other formats say themselves that they count characters.
    """

    mentions: bool = True
    offsets: Offsets = Offsets.CODE_POINTS


class Utf16Offsets:
    """Offsets in UTF-16 units of one text, from and to code points."""

    def __init__(self, text: str) -> None:
        # Only characters beyond the first plane take two units.
        self._units = None if text.isascii() else [0, *accumulate(1 + (character > "\uffff") for character in text)]
        self._length = len(text)

    def to_code_points(self, offset: int) -> int:
        """The code point that starts at a unit.

        Raises:
            ValueError: the offset lies inside a character, or beyond the text.
        """
        if self._units is None:
            return offset
        if offset < 0 or offset > self._units[-1]:
            raise ValueError(f"offset {offset} is outside the text of {self._units[-1]} UTF-16 units")
        point = bisect_left(self._units, offset)
        if self._units[point] != offset:
            raise ValueError(f"offset {offset} is inside a character of two UTF-16 units; expected one of its ends")
        return point

    def from_code_points(self, offset: int) -> int:
        """The unit at which a code point starts."""
        return offset if self._units is None else self._units[offset]


def refuse_utf16_units(text: str, spans: Sequence[tuple[int, int]]) -> None:
    """Refuse spans that cut a word as characters while none would as UTF-16 units.

    Text from JavaScript or Java with a character beyond the first plane (😀) before a mention is known by this; its
    mentions would be linked with letters missing.

    Raises:
        ValueError: so it is, with both readings of the first such span.
    """
    if text.isascii() or max(text, default="") <= "\uffff" or not any(_cuts_a_word(text, *span) for span in spans):
        return
    units = Utf16Offsets(text)
    try:
        converted = [(units.to_code_points(start), units.to_code_points(end)) for start, end in spans]
    except ValueError:
        return
    if any(start >= end or _cuts_a_word(text, start, end) for start, end in converted):
        return
    (start, end), (first, last) = next(
        pair for pair in zip(spans, converted, strict=True) if _cuts_a_word(text, *pair[0])
    )
    raise ValueError(
        f"span [{start}, {end}] cuts a word, {text[start:end]!r:.60}; as UTF-16 units it is {text[first:last]!r:.60}: "
        "expected characters (code points), or --offsets utf-16 with JSON lines"
    )


def _cuts_a_word(text: str, start: int, end: int) -> bool:
    return any(0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum() for place in (start, end))
