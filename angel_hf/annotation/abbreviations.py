"""Abbreviations that a document defines, and their long forms in its mentions.

Definitions are found as in Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in
biomedical text", Pacific Symposium on Biocomputing 2003, with one rule put before theirs, the first-letter rule of
Sohn et al., "Abbreviation definition identification based on automatic precision estimates", BMC Bioinformatics 2008:
their own takes "colon cancer (CC)" for "cancer", whose middle holds a second c.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from angel_hf.types import Mention

_MOST_CHARACTERS = 10
_MOST_WORDS = 2
# A long form has at most two words for each letter of its short form; one more word shows where it would be longer.
_WORDS_BEFORE = 2 * _MOST_CHARACTERS + 1
# Far more than a long form has; unbounded, a text without spaces would be read again for each of its brackets.
_CHARACTERS_BEFORE = 2_000

# Between brackets, with up to one pair inside: "(Xp21 (DMD))" is one bracket.
_BRACKET = re.compile(r"\(((?:[^()]|\([^()]*\))+)\)|\[([^\[\]]+)\]")
_SENTENCE_END = re.compile(r"[.!?]\s+(?=[A-Z0-9(])")
_WORD = re.compile(r"[^\s-]+")


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """A definition found in a text: `text[short_start:short_end]` stands for `text[long_start:long_end]`."""

    short: str
    long: str
    short_start: int
    short_end: int
    long_start: int
    long_end: int


@dataclass(frozen=True, slots=True)
class _Span:
    """A piece of a text without white space at its ends."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @classmethod
    def of(cls, text: str, start: int, end: int) -> _Span:
        piece = text[start:end]
        return cls(piece.strip(), start + len(piece) - len(piece.lstrip()))


def find_abbreviations(text: str) -> tuple[Abbreviation, ...]:
    """The abbreviations that a text defines, in its order.

    Both "long form (SF)" and "SF (long form)" are recognised, with round or square brackets; text after a comma or
    semicolon in the bracket is ignored: "Wilson disease (WD; OMIM 277900)".
    """
    return tuple(_definitions(text))


def expand_abbreviations(mentions: Iterable[Mention]) -> list[Mention]:
    """Each mention with the abbreviations in it written out, as its own text defines them.

    Only the mention changes, not the text around it. A mention with nothing to expand is returned as the same object;
    any other is a new Mention that starts at the same offset, in a text that is longer or shorter: for results with the
    original offsets, keep the original mention beside it. The definition used is the last one before the mention or in
    it, or else the first after it, as for a title. A mention that holds a definition, "Wilson disease (WD)", loses the
    short form.
    """
    definitions: dict[str, tuple[Abbreviation, ...]] = {}
    expanded = []
    for mention in mentions:
        if mention.text not in definitions:
            definitions[mention.text] = find_abbreviations(mention.text)
        expanded.append(_expand(mention, definitions[mention.text]))
    return expanded


def _definitions(text: str) -> Iterator[Abbreviation]:
    sentence_starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    word_starts = [match.start() for match in _WORD.finditer(text)]
    for bracket in _BRACKET.finditer(text):
        group = 1 if bracket[1] is not None else 2
        inside = _Span.of(text, bracket.start(group), bracket.start(group) + _first_part(bracket[group]))
        sentence = sentence_starts[max(0, bisect_left(sentence_starts, bracket.start()) - 1)]
        word = bisect_left(word_starts, bracket.start()) - _WORDS_BEFORE
        first = max(sentence, word_starts[word] if word > 0 else 0, bracket.start() - _CHARACTERS_BEFORE)
        before = _Span.of(text, first, bracket.start())
        if _may_be_short(inside.text):
            long = _long_form(inside.text, before)
            if long is not None:
                yield _abbreviation(inside, long)
                continue
        words = before.text.split()
        # The paper's second pattern; without a capital, any word before a remark in brackets would do.
        if words and _may_be_short(words[-1]) and any(character.isupper() for character in words[-1]):
            short = _Span(words[-1], before.end - len(words[-1]))
            long = _long_form(short.text, inside)
            if long is not None and long.start == inside.start:
                yield _abbreviation(short, long)


def _abbreviation(short: _Span, long: _Span) -> Abbreviation:
    return Abbreviation(short.text, long.text, short.start, short.end, long.start, long.end)


def _first_part(inside: str) -> int:
    """The end of the part of a bracket before a comma or semicolon."""
    found = re.search(r"[,;]\s", inside)
    return found.start() if found else len(inside)


def _may_be_short(text: str) -> bool:
    """Section 3.2: at most two words, 2 to 10 characters, a letter, and a letter or digit first."""
    return (
        2 <= len(text) <= _MOST_CHARACTERS
        and len(text.split()) <= _MOST_WORDS
        and text[0].isalnum()
        and any(character.isalpha() for character in text)
    )


def _long_form(short: str, before: _Span) -> _Span | None:
    """The end of `before` that the short form stands for, or None."""
    letters = sum(character.isalnum() for character in short)
    long = _by_initials(short, before) or _by_any_letters(short, before)
    if long is None or len(long.text) <= len(short) or len(_WORD.findall(long.text)) > min(letters + 5, letters * 2):
        return None
    holds_short = re.search(rf"(?<!\w){re.escape(short)}(?!\w)", long.text) is not None
    return None if holds_short or not _balanced(long.text) else long


def _by_initials(short: str, before: _Span) -> _Span | None:
    """The last words, as many as the short form has letters, if these are their initials; Sohn et al. 2008."""
    letters = "".join(character for character in short if character.isalnum()).lower()
    words = list(_WORD.finditer(before.text))[-len(letters) :]
    if "".join(word[0][0] for word in words).lower() != letters:
        return None
    return _Span(before.text[words[0].start() :], before.start + words[0].start())


def _by_any_letters(short: str, before: _Span) -> _Span | None:
    """The shortest end of `before` that holds the letters in order, the first at a word's start; figure 1, 2003."""
    candidate = before.text
    at = len(candidate)
    first = next(place for place, character in enumerate(short) if character.isalnum())
    for place in range(len(short) - 1, -1, -1):
        letter = short[place].lower()
        if not letter.isalnum():
            continue
        at -= 1
        # The first character of the short form must start a word.
        while at >= 0 and (
            candidate[at].lower() != letter or (place == first and at > 0 and candidate[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return None
    return _Span(candidate[at:], before.start + at)


def _balanced(text: str) -> bool:
    """Whether every bracket of `text` is a pair; otherwise it is two phrases."""
    return text.count("(") == text.count(")") and text.find(")") >= text.find("(")


def _expand(mention: Mention, definitions: Sequence[Abbreviation]) -> Mention:
    if not definitions:
        return mention
    by_short: dict[str, Abbreviation] = {}
    for definition in definitions:
        if definition.short not in by_short or definition.short_start < mention.end:
            by_short[definition.short] = definition
    surface = _without_definitions(mention, definitions)
    shorts = "|".join(re.escape(short) for short in sorted(by_short, key=len, reverse=True))
    # A plural keeps its s: "VSDs" are "ventricular septal defects".
    surface = re.sub(
        rf"(?<!\w)({shorts})(s?)(?!\w)",
        lambda found: by_short[found[1]].long + ("" if by_short[found[1]].long.endswith("s") else found[2]),
        surface,
    )
    if surface == mention.surface:
        return mention
    text = mention.text[: mention.start] + surface + mention.text[mention.end :]
    return Mention(text, mention.start, mention.start + len(surface))


def _without_definitions(mention: Mention, definitions: Sequence[Abbreviation]) -> str:
    """The surface without the bracketed short forms whose long forms it holds too."""
    surface, removed = mention.surface, 0
    for definition in definitions:
        inside = mention.start <= definition.long_start < definition.short_end < mention.end
        if inside:
            start = definition.short_start - mention.start - removed
            bracket = re.search(r"\s*[(\[]\s*$", surface[:start])
            closing = re.match(r"\s*[)\]]", surface[start + len(definition.short) :])
            if bracket and closing:
                end = start + len(definition.short) + closing.end()
                removed += end - bracket.start()
                surface = surface[: bracket.start()] + surface[end:]
    return surface
