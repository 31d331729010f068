"""The text on either side of a mention, cut so that what is near tokenises as it does in the whole."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..types import Mention

# Here every tokenizer that tells where words start begins a token, with the space; what is left of it changes nothing.
_BETWEEN_WORDS = re.compile(r"(?<=\S) (?=\S)")


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
