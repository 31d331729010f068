"""Sentences from the command line or from lines of text, their mentions marked `[[so]]` or named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.formats.reading import Reading
from angel_hf.formats.record_lines import read_each
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.text.reading import parse_marked
from angel_hf.types import Mention


def find_mentions(text: str, surfaces: Sequence[str]) -> tuple[Mention, ...]:
    """The mentions that are spelled like `surfaces`: of each the first whole word, if given twice also the second.

    Raises:
        ValueError: one is not in the text, or not that often.
    """
    mentions = []
    seen: Counter[str] = Counter()
    for surface in surfaces:
        found = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(surface)}(?!\w)", text) if surface.strip()]
        if len(found) <= seen[surface]:
            times = "is not in" if not found else f"is only {len(found)} times in"
            raise ValueError(f"the mention {surface!r} {times} {text!r} as a whole word; expected it as it is spelled")
        mentions.append(Mention(text, *found[seen[surface]]))
        seen[surface] += 1
    return tuple(mentions)


def sentence_document(mentions: tuple[Mention, ...], line: int = 1, raw: str = "") -> Document:
    """One sentence with its mentions."""
    text = mentions[0].text
    annotations = tuple(Annotation(mention.start, mention.end, mention.surface) for mention in mentions)
    return Document(
        str(line), text, (Section(0, len(text), "text"),), annotations, fields={"text": text}, line=line, raw=raw
    )


def read_sentences(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """Read marked sentences, one a line; empty lines are passed over."""
    return read_each(source.lines(), lambda line: sentence_document(parse_marked(line.text), line.number, line.text))
