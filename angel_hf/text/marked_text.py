"""Text with its mentions marked `[[so]]`."""

from __future__ import annotations

import re

from ..types import Mention

_MARKED = re.compile(r"\[\[(.*?)\]\]")


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
