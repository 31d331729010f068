"""A mention with another surface: an abbreviation written out, or a part of a composite mention."""

from __future__ import annotations

from angel_hf.types import Mention

# Eight characters for each of the 1,024 tokens that BART reads; texts of the field have four to six.
_MOST_CONTEXT = 8_192


def respelled(mention: Mention, surface: str) -> Mention:
    """The mention with another surface, in as much of its text as a model can read.

    The text around it is shortened only beyond 8,192 characters, both sides together, of which each side gets half and
    what the other leaves over, as in the model's window; so memory does not grow with the text. The offsets are those
    of the new text: where nothing was cut on the left, the start is that of the mention given.
    """
    text, half = mention.text, _MOST_CONTEXT // 2
    first = max(0, mention.start - max(half, _MOST_CONTEXT - (len(text) - mention.end)))
    last = mention.end + max(half, _MOST_CONTEXT - mention.start)
    start = mention.start - first
    return Mention(text[first : mention.start] + surface + text[mention.end : last], start, start + len(surface))
