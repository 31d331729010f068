"""How a text is read: its normal form, the context window of a mention, marked text."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from ..types import Mention

NORMALIZATIONS = ("lowercase-punctuation", "lowercase", "as-is")

# Here every tokenizer that tells where words start begins a token, with the space; what is left of it changes nothing.
_BETWEEN_WORDS = re.compile(r"(?<=\S) (?=\S)")
_MARKED = re.compile(r"\[\[(.*?)\]\]")


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


class Context(NamedTuple):
    """A stretch of text beside a mention, without white space at its ends.

    Attributes:
        text: as it came.
        is_whole: whether there is no more of it within reach.
    """

    text: str
    is_whole: bool


def left_context(mention: Mention, size: int, reach: int) -> Context:
    """At most `size` characters before a mention, from the start of a word on.

    Args:
        mention: with its text.
        size: characters; where no word starts in them, there is no text.
        reach: characters beyond which nothing counts, whatever stands there.
    """
    text = mention.text[: mention.start].rstrip()
    text = text[max(0, len(text) - reach) :].lstrip()
    if len(text) <= size:
        return Context(text, True)
    cut = _BETWEEN_WORDS.search(text, len(text) - size)
    return Context(text[cut.end() :] if cut else "", False)


def right_context(mention: Mention, size: int, reach: int) -> Context:
    """At least `size` characters after a mention, to the end of a word; arguments as for `left_context`."""
    text = mention.text[mention.end :].lstrip()[:reach].rstrip()
    cut = _BETWEEN_WORDS.search(text, size)
    return Context(text[: cut.start()], False) if cut else Context(text, True)


def parse_marked(marked: str) -> tuple[Mention, ...]:
    """The mentions of a text that marks them with `[[` and `]]`; the marks are taken out of the text.

    Raises:
        ValueError: no marks, an empty mention, or marks that do not pair up.
    """
    pieces = _MARKED.split(marked)  # text, mention, text, mention, ..., text
    if any("[[" in piece or "]]" in piece for piece in pieces):
        raise ValueError(f"the marks in {marked!r} do not pair up; expected each mention once in [[ and ]]")
    if len(pieces) == 1:
        raise ValueError(f"no mention is marked in {marked!r}; expected [[ and ]] around each, as in 'a [[mention]]'")
    text, spans = pieces[0], []
    for mention, following in zip(pieces[1::2], pieces[2::2]):
        spans.append((len(text), len(text) + len(mention)))
        text += mention + following
    if any(not text[start:end].strip() for start, end in spans):
        raise ValueError(f"an empty mention in {marked!r}; expected text between [[ and ]]")
    return tuple(Mention(text, start, end) for start, end in spans)
