"""The form of a text that the model reads and writes."""

from __future__ import annotations

import unicodedata

NORMALIZATIONS = ("lowercase-punctuation", "lowercase", "as-is")


class _PunctuationToSpace(dict[int, str]):
    """A table for str.translate that finds out about a character when it first meets it."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = " " if unicodedata.category(character)[0] in "PS" else character
        return self[code]


_PUNCTUATION_TO_SPACE = _PunctuationToSpace()


def normalize(text: str, normalization: str) -> str:
    """The form of a name or mention that the model reads and writes.

    "lowercase-punctuation" is the published form: lowercase, every punctuation mark or symbol
    (Unicode categories P and S) a space, runs of white space one space. "lowercase" changes letters
    only, for files that were normalised before, and "as-is" changes nothing. A text of punctuation
    alone would become empty, so it keeps its marks.

    Raises:
        ValueError: the normalization is not one of NORMALIZATIONS.
    """
    if normalization == "as-is":
        return text
    if normalization == "lowercase":
        return text.lower()
    if normalization == "lowercase-punctuation":
        lowercased = text.lower()
        return " ".join(lowercased.translate(_PUNCTUATION_TO_SPACE).split()) or lowercased.strip()
    raise ValueError(f"unknown normalization {normalization!r}; expected one of {', '.join(NORMALIZATIONS)}")
