"""What ends a phrase, over which no name reaches."""

from __future__ import annotations

import re

# In folded text: the end of a clause or of a sentence, a column of a table, an empty line, an item of a list.
_SEPARATOR = re.compile(
    r"""[;:?!|•。]|\.["')\]]*\s|(?<=[a-z]{2})\.(?=[A-Z])|\n[^\S\n]*\n|\n\s*(?:[-*>]|[0-9]+[.)])\s"""
)
_BRACKET = re.compile(r"[()\[\]{}]")
_CLOSING = {")": "(", "]": "[", "}": "{"}


def has_separator(text: str) -> bool:
    """Whether a phrase ends within a folded text."""
    return _SEPARATOR.search(text) is not None


def is_phrase(text: str) -> bool:
    """Whether the words of a folded text belong together: nothing ends between them, and brackets are pairs."""
    if has_separator(text):
        return False
    open_brackets: list[str] = []
    for found in _BRACKET.finditer(text):
        bracket = found[0]
        if bracket not in _CLOSING:
            open_brackets.append(bracket)
        elif not open_brackets or open_brackets.pop() != _CLOSING[bracket]:
            return False
    return not open_brackets


def as_written(text: str) -> str:
    """A text by which names with the same signs between the same words are one."""
    return " ".join(text.lower().split())
