"""The values of tags in OBO files, each read from left to right in time linear in its length.

OBO Flat File Format 1.4, https://owlcollab.github.io/oboformat/doc/obo-syntax.html: a value ends at qualifiers,
`{key="value", ...}`, or at a comment, which starts at `!`; a backslash takes away a character's meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TEXT = r'"[^"\\]*(?:\\.[^"\\]*)*"'
# `{source="x", date="y"}` and a comment, up to the end; other braces are text.
_QUALIFIERS = rf'\{{\s*[^\s="{{}},]+\s*=\s*{_TEXT}\s*(?:,\s*[^\s="{{}},]+\s*=\s*{_TEXT}\s*)*\}}\s*(?:!.*)?$'
_ENDS = re.compile(_QUALIFIERS, re.DOTALL)
_TOKEN = re.compile(r"\\.|\s+|[^\\\s{!]+|.", re.DOTALL)
_IN_QUOTES = re.compile(r'\\.|[^\\"]+|.', re.DOTALL)
# What may follow the closing quote: a scope, a type of synonym, references, qualifiers, a comment.
_AFTER_TEXT = re.compile(
    rf"""\s*(?:(EXACT|BROAD|NARROW|RELATED)(?=[\s\[{{!]|$)\s*)?
    (?:(?<=\s)([^\s\[\]{{}}"!][^\s\[\]{{}}"]*)(?=[\s\[{{!]|$)\s*)?
    (?:\[[^\]"\\]*(?:(?:\\.|{_TEXT})[^\]"\\]*)*\]\s*)?
    (?:{_QUALIFIERS}|!.*$|$)""",
    re.DOTALL | re.VERBOSE,
)
_WHITE = {"n": "\n", "W": " ", "t": "\t"}
_MOST_QUOTES = 32
"""Quotes of one value that are tried as its end; the texts of ontologies have at most a few that are not escaped."""


class Quoted(NamedTuple):
    """A value in quotes; `scope` and `type` are empty where there is none."""

    text: str
    scope: str
    type: str


def unquoted(value: str) -> str:
    """A value without quotes, such as a name or an identifier: escapes resolved, qualifiers and comment left out."""
    return " ".join("".join(_pieces(value)).split())


def reference(value: str) -> str:
    """The identifier of a cross-reference, without the description in quotes that may follow."""
    pieces: list[str] = []
    for piece in _pieces(value):
        if piece.startswith('"') and pieces and pieces[-1].isspace():
            break
        pieces.append(piece)
    return " ".join("".join(pieces).split())


def quoted(value: str) -> Quoted:
    """A value in quotes, such as a synonym or a definition.

    A quote that is followed by anything but the parts of such a value is part of the text: `"2',5"-linked dimer"`.

    Raises:
        ValueError: no quote can be its end.
    """
    start = len(value) - len(value.lstrip())
    if value[start : start + 1] != '"':
        raise ValueError(f'{_shown(value)}; expected a text in double quotes, as in `"text" EXACT []`')
    pieces: list[str] = []
    tried = 0
    for token in _IN_QUOTES.finditer(value, start + 1):
        if token[0] == '"':
            after = _AFTER_TEXT.match(value, token.end())
            if after is not None:
                text = " ".join("".join(pieces).split())
                return Quoted(text, after[1] or "", after[2] or "")
            tried += 1
            if tried > _MOST_QUOTES:
                break
        pieces.append(_resolved(token[0]))
    raise ValueError(
        f'{_shown(value)}; none of its quotes can be the end of the text: escape those within it, as in \\"'
    )


def _pieces(value: str) -> Iterator[str]:
    """The parts of a value up to its qualifiers or comment, escapes resolved."""
    is_after_space = True
    for token in _TOKEN.finditer(value):
        text = token[0]
        if text == "{" and _ENDS.match(value, token.start()):
            return
        if text == "!" and is_after_space:
            return
        is_after_space = text.isspace()
        yield _resolved(text)


def _resolved(token: str) -> str:
    """An escape as the character that it stands for; other text as it is."""
    if len(token) == 2 and token[0] == "\\":
        return _WHITE.get(token[1], token[1])
    return token


def _shown(value: str, limit: int = 120) -> str:
    return repr(value) if len(value) <= limit else f"{value[:limit]!r}..."
