"""Composite mentions split: "breast and ovarian cancer" is breast cancer and ovarian cancer.

The rules are those of the published preprocessing of the NCBI-disease corpus (D'Souza and Ng, "Sieve-based entity
linking for the biomedical domain", ACL 2015): the parts that a coordination joins share the words after it, or those
before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from angel_hf.types import Mention

_COORDINATOR = re.compile(r"\s+(?:and/or|and|or|as well as|&)\s+|\s*/\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*,\s+(?:(?:and/or|and|or)\s+)?|" + _COORDINATOR.pattern, re.IGNORECASE)
# "cancers of the breast and ovary": the shared words end with the preposition.
_SHARED_FRONT = re.compile(r"(.*\b(?:of|in|to|with|for)(?:\s+the)?\s+)(.*)", re.IGNORECASE)

IsName = Callable[[str], bool]


def split_composite(mention: Mention, is_name: IsName) -> list[Mention]:
    """The parts of a composite mention, or the mention alone where it is not composite.

    Args:
        mention: with its text.
        is_name: whether a string is a name of the knowledge base; a mention that is one is never split, and the shared
            words of its parts are chosen so that most parts are names.

    Returns:
        Mentions with the same start, each in a text in which the part replaces the whole; for results with the original
        offsets, keep the original mention beside them.
    """
    surface = mention.surface
    if _COORDINATOR.search(surface) is None or is_name(surface) or is_name(f"{surface} syndrome"):
        return [mention]
    best: list[str] = []
    for parts in _readings(surface):
        if sum(map(is_name, parts)) > sum(map(is_name, best)):
            best = parts
    if len(best) < 2:
        return [mention]
    return [_replaced(mention, part) for part in dict.fromkeys(best)]


def _readings(surface: str) -> list[list[str]]:
    """Ways to split a surface, the likeliest first."""
    pieces = [piece for piece in _SEPARATOR.split(surface) if piece.strip()]
    if len(pieces) < 2:
        return []
    readings = []
    *others, last = pieces
    words = last.split()
    first_words = others[0].split()
    for shared in range(1, len(words)):
        end = " ".join(words[shared:])
        complete = [*(f"{piece} {end}" for piece in others), last]
        for dropped in range(len(first_words)):
            # "hereditary breast and ovarian cancer": the first words may qualify all parts, or only the first.
            front = " ".join(first_words[:dropped])
            readings.append([complete[0], *(f"{front} {part}".strip() for part in complete[1:])])
    before = _SHARED_FRONT.fullmatch(others[0])
    if before:
        readings.append([others[0], *(f"{before[1]}{piece}" for piece in pieces[1:])])
    for kept in range(1, len(first_words)):
        # "ataxia type 1 and 2": the first words are shared.
        readings.append([others[0], *(f"{' '.join(first_words[:kept])} {piece}" for piece in pieces[1:])])
    readings.append(pieces)
    return readings


def _replaced(mention: Mention, surface: str) -> Mention:
    text = mention.text[: mention.start] + surface + mention.text[mention.end :]
    return Mention(text, mention.start, mention.start + len(surface))
