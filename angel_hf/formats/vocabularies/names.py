"""Names as vocabularies spell them."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_DIGITS = 18  # of SNOMED CT


def distinct_names(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, in order; white space in them is one space, and empty ones are left out."""
    return tuple(dict.fromkeys(spelled for name in names if (spelled := " ".join(name.split()))))


def split_list(cell: str, separator: str = "|") -> list[str]:
    """The values of a cell that are not empty, stripped."""
    return [value for part in cell.split(separator) if (value := part.strip())]


def shown(text: str, limit: int = 120) -> str:
    """A text quoted for an error, cut where it is long."""
    quoted = repr(text[: limit + 1])
    return quoted if len(text) <= limit else quoted[: limit - 3] + "..."


def is_identifier(text: str) -> bool:
    """Whether a text can be an identifier: not empty, without white space and control characters."""
    return text != "" and text.isprintable() and " " not in text


def is_number(identifier: str) -> bool:
    """Whether an identifier is a number as vocabularies have them: 1 to 18 digits of ASCII."""
    return len(identifier) <= _MOST_DIGITS and identifier.isascii() and identifier.isdecimal()
