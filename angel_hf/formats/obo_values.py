"""The values of OBO's tags (OBO 1.2 and 1.4, section "escape characters" and "trailing modifiers"), read in one pass.

A value may end in qualifiers, `{key="value", ...}`, and in a comment, ` ! text`; a backslash escapes what follows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCOPES = ("EXACT", "RELATED", "NARROW", "BROAD")

_PAIR = r'[\w:./#-]+\s?=\s?"(?:[^"\\]|\\.)*"'
_QUALIFIERS = re.compile(rf"\{{\s?{_PAIR}(?:\s?,\s?{_PAIR})*\s?,?\s?\}}\Z", re.DOTALL)
_ESCAPED_SPACES = {"n": " ", "W": " ", "t": " "}


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text in quotes, and the words between it and its references, qualifiers and comment."""

    text: str
    words: tuple[str, ...]


def plain(value: str) -> str:
    """A value without quotes: qualifiers and comment left out, escapes resolved, white space collapsed."""
    return _unescaped(_without_trailing(value))


def first_word(value: str) -> str:
    """The first word of a value without quotes, as an identifier that a description follows; empty if there is none."""
    words = _without_trailing(value).split(None, 1)
    return _unescaped(words[0]) if words else ""


def quoted(value: str) -> Quoted:
    """A text in quotes with what follows it: `"text" SCOPE TYPE [references] {qualifiers} ! comment`.

    A quote ends the text only where white space and a scope, a word in capitals, a bracket or a brace, or nothing
    follows it: texts with quotes that nobody escaped stay whole.

    Raises:
        ValueError: no text in quotes.
    """
    if not value.startswith('"'):
        raise ValueError(f'{value[:120]!r}; expected a text in double quotes, as in "text" EXACT []')
    for place in _unescaped_places(value, '"', 1):
        if _may_follow(value, place + 1):
            rest = value[place + 1 :]
            words = rest[: _first_of(rest, "[{!")].split()
            return Quoted(_unescaped(value[1:place]), tuple(words))
    raise ValueError(f"{value[:120]!r}; expected a second double quote, and after it a scope, [ or {{")


def _may_follow(value: str, place: int) -> bool:
    """Whether what stands at a place can follow a text in quotes."""
    following = _skip_white_space(value, place)
    if following == len(value):
        return True
    character = value[following]
    if character in "[{!":
        return True
    if following == place:  # a letter right after the quote
        return False
    word = value[following : following + 12].split(None, 1)[0].rstrip("[{")
    return word in SCOPES or (word.isupper() and len(word) > 1)


def _skip_white_space(value: str, place: int) -> int:
    while place < len(value) and value[place].isspace():
        place += 1
    return place


def _first_of(text: str, characters: str) -> int:
    return min((place for place in map(text.find, characters) if place >= 0), default=len(text))


def _without_trailing(value: str) -> str:
    for place in _unescaped_places(value, "!", 0):
        if place == 0 or value[place - 1].isspace():
            value = value[:place]
            break
    value = value.rstrip()
    if value.endswith("}"):
        for place in _unescaped_places(value, "{", 0):
            if _QUALIFIERS.match(value, place):
                return value[:place].rstrip()
    return value


def _unescaped_places(value: str, character: str, start: int) -> list[int]:
    """Where a character stands that no backslash escapes; each backslash escapes one character after it."""
    if "\\" not in value:
        return [found.start() for found in re.finditer(re.escape(character), value) if found.start() >= start]
    pattern = re.compile(rf"\\.|{re.escape(character)}", re.DOTALL)
    return [found.start() for found in pattern.finditer(value, start) if found[0] == character]


def _unescaped(text: str) -> str:
    """Backslash escapes resolved; those for line breaks, tabs and spaces are a space."""
    if "\\" in text:
        text = re.sub(r"\\(.)", lambda found: _ESCAPED_SPACES.get(found[1], found[1]), text, flags=re.DOTALL)
    return " ".join(text.split())
