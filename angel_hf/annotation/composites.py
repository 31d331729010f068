"""Composite mentions split: "breast and ovarian cancer" is breast cancer and ovarian cancer.

The rules are those of the published preprocessing of the NCBI-disease corpus (D'Souza and Ng, "Sieve-based entity
linking for the biomedical domain", ACL 2015): the parts that a coordination joins share the words after it, or those
before it. Added are numbers and letters that share all before them ("SCA1, 2 and 6", "types 1-3"), and hyphens in place
of what is shared ("hypo- and hyperthyroidism").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from angel_hf.annotation.designators import has_range, spelled_ranges
from angel_hf.annotation.respelling import respelled
from angel_hf.types import Mention

# A longer mention is linked as it stands; a list of twenty diseases has 300 characters.
_LONGEST = 500
_MOST_PARTS = 40
# Words that parts share at their ends, and those that the first part lends to the others.
_MOST_SHARED = 8
_MOST_QUALIFIERS = 4

_COORDINATOR = re.compile(r"\s+(?:and/or|and|or|nor|as well as|&|\+)\s+|\s*/\s*", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"\s*,\s+(?:(?:and/or|and|or|nor|as well as)\s+)?|" + _COORDINATOR.pattern,
    re.IGNORECASE,
)
_BOTH = re.compile(r"(?:both|either|neither)\s+", re.IGNORECASE)
# "cancers of the breast and ovary": the shared words end with the preposition.
_SHARED_FRONT = re.compile(r"(.*\b(?:of|in|to|with|for)(?:\s+the)?\s+)(.*)", re.IGNORECASE)
# "SCA1 and 2", "types IIa and b": what stands before the last number, or before the last letter.
_BEFORE_NUMBER = re.compile(r"(.*[^\d.])\d+[a-z]?", re.IGNORECASE)
_BEFORE_LETTER = re.compile(r"(.*[\dIVX])[a-z]", re.IGNORECASE)
_NUMBER = re.compile(r"\d+[a-z]?", re.IGNORECASE)
_LETTER = re.compile(r"[a-z]", re.IGNORECASE)
_HYPHENS = ("-", "‐", "‑", "–")

IsName = Callable[[str], bool]


def split_composite(mention: Mention, is_name: IsName) -> list[Mention]:
    """The parts of a composite mention, or the mention alone where it is not composite.

    A mention of more than 500 characters or 40 parts is left whole: the work for one is bounded.

    Args:
        mention: with its text.
        is_name: whether a string is a name of the knowledge base; a mention that is one is never split, and the shared
            words of its parts are chosen so that most parts are names.

    Returns:
        Mentions each in a text in which the part replaces the whole, see `respelled`; for results with the original
        offsets, keep the original mention beside them.
    """
    surface = mention.surface
    if len(surface) > _LONGEST:
        return [mention]
    is_range = has_range(surface)
    if not (is_range or _COORDINATOR.search(surface)) or is_name(surface) or is_name(f"{surface} syndrome"):
        return [mention]
    is_known = cache(is_name)
    best: list[str] = []
    most = 1 if is_range else 0  # one name of a range proves none: "type 1-2" may be a name by itself
    for parts in _readings(spelled_ranges(surface)):
        known = sum(map(is_known, parts))
        if known > most:
            best, most = parts, known
            if known == len(parts):
                break
    if len(best) < 2:
        return [mention]
    return [respelled(mention, part) for part in dict.fromkeys(best)]


def _readings(surface: str) -> Iterator[list[str]]:
    """Ways to split a surface, the likeliest first."""
    surface = _BOTH.sub("", surface, count=1) if _BOTH.match(surface) else surface
    pieces = [piece.strip() for piece in _SEPARATOR.split(surface) if piece.strip()]
    if not 2 <= len(pieces) <= _MOST_PARTS:
        return
    *others, last = pieces
    first_words = others[0].split()
    yield from _with_shared_end(others, last)
    yield from _with_hyphens(others, last)
    before = _SHARED_FRONT.fullmatch(others[0])
    if before:
        yield [others[0], *(f"{before[1]}{piece}" for piece in pieces[1:])]
    for kept in range(1, min(len(first_words), _MOST_SHARED + 1)):
        # "ataxia type 1 and 2": the first words are shared.
        yield [others[0], *(f"{' '.join(first_words[:kept])} {piece}" for piece in pieces[1:])]
    for before_last, kind in ((_BEFORE_NUMBER, _NUMBER), (_BEFORE_LETTER, _LETTER)):
        stem = before_last.fullmatch(others[0])
        if stem and all(kind.fullmatch(piece) for piece in pieces[1:]):
            yield [others[0], *(f"{stem[1]}{piece}" for piece in pieces[1:])]
    yield pieces


def _with_shared_end(others: Sequence[str], last: str) -> Iterator[list[str]]:
    """The last words are shared: "breast and ovarian cancer"."""
    words = last.split()
    first_words = others[0].split()
    for shared in range(max(1, len(words) - _MOST_SHARED), len(words)):
        end = " ".join(words[shared:])
        complete = [*(f"{piece} {end}" for piece in others), last]
        for qualifiers in range(min(len(first_words), _MOST_QUALIFIERS + 1)):
            # "hereditary breast and ovarian cancer": the first words may qualify all parts, or only the first.
            front = " ".join(first_words[:qualifiers])
            yield [complete[0], *(f"{front} {part}".strip() for part in complete[1:])]


def _with_hyphens(others: Sequence[str], last: str) -> Iterator[list[str]]:
    """A hyphen stands for the end of the last part's first word: "hypo- and hyperthyroidism"."""
    if not any(piece.endswith(_HYPHENS) for piece in others):
        return
    # The shortest end first: "hypo" with "erthyroidism" would be hyperthyroidism in British spelling.
    for cut in reversed(range(1, min(len(last.split()[0]), _LONGEST // 10))):
        end = last[cut:]
        yield [*(f"{piece[:-1]}{end}" if piece.endswith(_HYPHENS) else piece for piece in others), last]
