"""Mentions with their abbreviations written out."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from angel_hf.annotation.abbreviations import Abbreviation, find_abbreviations
from angel_hf.annotation.respelling import respelled
from angel_hf.types import Mention

_FIRST_LETTER = re.compile(r"(?<!\w)[^\W_]")


class Definitions:
    """The abbreviations that a text defines, to be looked up.

    Args:
        abbreviations: of one text. A short form in the plural defines the singular too, "VSDs" also "VSD".
    """

    def __init__(self, abbreviations: Iterable[Abbreviation]) -> None:
        self._in_order = sorted(abbreviations, key=lambda one: one.short_start)
        self._starts = [one.short_start for one in self._in_order]
        self._by_short: dict[str, list[Abbreviation]] = {}
        for one in self._in_order:
            self._by_short.setdefault(one.short, []).append(one)
        for short in [*self._by_short]:
            if len(short) > 2 and short[-1] == "s" and short[:-1].isupper():
                self._by_short.setdefault(short[:-1], self._by_short[short])
        self._lengths = sorted({len(short) for short in self._by_short}, reverse=True)

    def __len__(self) -> int:
        return len(self._in_order)

    def within(self, start: int, end: int) -> Iterator[Abbreviation]:
        """The definitions that a span of the text holds whole."""
        for one in self._in_order[bisect_left(self._starts, start) : bisect_left(self._starts, end)]:
            if start <= min(one.long_start, one.bracket_start) and max(one.long_end, one.bracket_end) <= end:
                yield one

    def at(self, short: str, place: int) -> Abbreviation:
        """What a short form means at a place: its last definition before that, or else its first."""
        found = self._by_short[short]
        return found[max(0, bisect_left(found, place, key=lambda one: one.short_start) - 1)]

    def occurrences(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and short form of each in a text, the longest at each place; the end is after a plural's s."""
        end = 0
        for first in _FIRST_LETTER.finditer(text) if self._lengths else ():
            start = first.start()
            if start < end:
                continue
            for length in self._lengths:
                short = text[start : start + length]
                after = start + length
                if short not in self._by_short or len(short) < length:
                    continue
                if text.startswith("s", after) and not _is_in_word(text, after + 1):
                    after += 1
                elif _is_in_word(text, after):
                    continue
                yield start, after, short
                end = after
                break


def expand_abbreviations(mentions: Iterable[Mention]) -> list[Mention]:
    """Each mention with the abbreviations in it written out, as its own text defines them.

    Only the mention changes, not the text around it. A mention with nothing to expand is returned as the same object;
    any other is a new Mention in as much of its text as a model can read (see `respelled`): for results with the
    original offsets, keep the original mention beside it. The definition used is the last one before the mention or in
    it, or else the first after it, as for a title. A mention that holds a definition, "Wilson disease (WD)", loses the
    bracket.
    """
    definitions: dict[str, Definitions] = {}
    expanded = []
    for mention in mentions:
        if mention.text not in definitions:
            definitions[mention.text] = Definitions(find_abbreviations(mention.text))
        expanded.append(_expand(mention, definitions[mention.text]))
    return expanded


def _expand(mention: Mention, definitions: Definitions) -> Mention:
    if not definitions:
        return mention
    surface = _without_definitions(mention, definitions)
    pieces, done = [], 0
    for start, end, short in definitions.occurrences(surface):
        long = definitions.at(short, mention.end).long
        is_plural = end - start > len(short)
        pieces += [surface[done:start], _plural(long) if is_plural else long]
        done = end
    surface = "".join([*pieces, surface[done:]])
    return mention if surface == mention.surface else respelled(mention, surface)


def _plural(long: str) -> str:
    """Of a long form: "VSDs" are "ventricular septal defects"."""
    if long.endswith("y") and long[-2:-1] not in "aeiou":
        return f"{long[:-1]}ies"
    return long if long.endswith("s") else f"{long}s"


def _without_definitions(mention: Mention, definitions: Definitions) -> str:
    """The surface without the brackets of the definitions in it."""
    pieces, done = [], mention.start
    for definition in definitions.within(mention.start, mention.end):
        if definition.bracket_start >= done:
            pieces.append(mention.text[done : definition.bracket_start].rstrip())
            done = definition.bracket_end
    return "".join([*pieces, mention.text[done : mention.end]])


def _is_in_word(text: str, place: int) -> bool:
    return place < len(text) and (text[place].isalnum() or text[place] == "_")
