"""How a text is read: its normal form, the context window of a mention, marked text."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from ..types import Mention

NORMALIZATIONS = ("lowercase-punctuation", "lowercase", "as-is")

# Every tokenizer that marks where words start begins a token here, with the space, whatever stands before it.
_BETWEEN_WORDS = re.compile(r"(?<=\S) (?=\S)")
_MARKED = re.compile(r"\[\[(.*?)\]\]")


class _PunctuationToSpace(dict[int, str]):
    """A table for str.translate, filled with each character at its first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = " " if unicodedata.category(character)[0] in "PS" else character
        return self[code]


_PUNCTUATION_TO_SPACE = _PunctuationToSpace()


def normalize(text: str, normalization: str) -> str:
    """The form of a name or mention that the model reads and writes.

    "lowercase-punctuation" is the published form: lowercase, every punctuation mark or symbol (Unicode categories P
    and S) a space, runs of white space one space; a text of punctuation alone keeps its marks. "lowercase" is for files
    that were normalised before, and "as-is" changes nothing.

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
    """The text on one side of a mention, stripped; `is_whole` where nothing within reach was cut off."""

    text: str
    is_whole: bool


def left_context(mention: Mention, size: int, reach: int) -> Context:
    """At most `size` characters before a mention, from the start of a word on, which tokenise as in the whole text.

    Text farther than `reach` characters from the mention does not count. Where no word starts in `size` characters, the
    context is empty.
    """
    text = mention.text[: mention.start].rstrip()
    text = text[max(0, len(text) - reach) :].lstrip()
    if len(text) <= size:
        return Context(text, True)
    cut = _BETWEEN_WORDS.search(text, len(text) - size)
    return Context(text[cut.end() :] if cut else "", False)


def right_context(mention: Mention, size: int, reach: int) -> Context:
    """At least `size` characters after a mention, to the end of a word; see `left_context`."""
    text = mention.text[mention.end :].lstrip()[:reach].rstrip()
    cut = _BETWEEN_WORDS.search(text, size)
    return Context(text[: cut.start()], False) if cut else Context(text, True)


def parse_marked(marked: str) -> tuple[Mention, ...]:
    """The mentions that a text marks with `[[` and `]]`; the marks are removed from the text.

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
