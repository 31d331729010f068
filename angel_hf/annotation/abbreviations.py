"""Abbreviations that a document defines.

Definitions are found as in Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in
biomedical text", Pacific Symposium on Biocomputing 2003, with one rule put before theirs, the first-letter rule of
Sohn et al., "Abbreviation definition identification based on automatic precision estimates", BMC Bioinformatics 2008:
their own takes "colon cancer (CC)" for "cancer", whose middle holds a second c.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_MOST_CHARACTERS = 10
_MOST_WORDS = 2
# A long form has at most two words for each letter of its short form; one more word shows where it would be longer.
_WORDS_BEFORE = 2 * _MOST_CHARACTERS + 1
# Far more than a long form has; unbounded, a text without spaces would be read again for each of its brackets.
_CHARACTERS_BEFORE = 2_000
_CHARACTERS_INSIDE = 300
_MOST_BRACKETS = 3  # in one another

_OPENING = {")": "(", "]": "[", "}": "{", "）": "（", "］": "［", "】": "【"}
_BRACKET = re.compile(f"[{re.escape(''.join([*_OPENING, *_OPENING.values()]))}]")
_QUOTES = "\"'“”‘’„«»"
_SENTENCE_END = re.compile(r"[.!?]\s+(?=[A-Z0-9(])")
_WORD = re.compile(r"[^\s-]+")
# Between the parts of a bracket: the definition, and remarks: "(WD; OMIM 277900)".
_BETWEEN = re.compile(r"[,;]\s")
# A part may go on with a remark of its own: "(WD [MIM 277900])", "(WD: review)", "(WD or HLD)", "(HR = 2.1)".
_REMARK = re.compile(r":\s|\s[(\[{]|\s[=–—-]\s|\s(?:and|or)\s")
_REMARK_AFTER_LONG = re.compile(r":\s|\s[(\[{]")
# What is a short form by its look; only such a one is taken from beside a remark.
_PLAIN_SHORT = re.compile(r"[^\W\d_][\w./+-]*(?: [A-Z\d]\w*)?")
_JOINING = frozenset(["a", "an", "and", "by", "for", "in", "of", "on", "or", "the", "to", "with"])


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """A definition found in a text: `text[short_start:short_end]` stands for `text[long_start:long_end]`.

    One of the two stands in the bracket `text[bracket_start:bracket_end]`.
    """

    short: str
    long: str
    short_start: int
    short_end: int
    long_start: int
    long_end: int
    bracket_start: int
    bracket_end: int


@dataclass(frozen=True, slots=True)
class _Span:
    """A piece of a text without white space at its ends."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @classmethod
    def of(cls, text: str, start: int, end: int, dropped: str | None = None) -> _Span:
        piece = text[start:end]
        return cls(piece.strip(dropped), start + len(piece) - len(piece.lstrip(dropped)))


def find_abbreviations(text: str) -> tuple[Abbreviation, ...]:
    """The abbreviations that a text defines, in its order.

    Both "long form (SF)" and "SF (long form)" are recognised, in brackets of any kind, also in other brackets. Remarks
    in the bracket are ignored: "Wilson disease (WD; OMIM 277900)", "Wilson disease (WD [MIM 277900])". Where the paper
    does not see the short form for a remark, every word of the long form must hold a letter of it, and nothing is
    defined anew.
    """
    return tuple(_definitions(text))


def _definitions(text: str) -> Iterator[Abbreviation]:
    brackets = _brackets(text)
    if not brackets:
        return
    sentence_starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    word_starts = [match.start() for match in _WORD.finditer(text)]
    defined = set()
    for start, end in brackets:
        inside = _Span.of(text, start + 1, min(end - 1, start + 1 + _CHARACTERS_INSIDE))
        word = _last_word(text, start)
        # The paper's second pattern; without a capital, any word before a remark in brackets would do.
        is_before = _may_be_short(word.text) and any(character.isupper() for character in word.text)
        shorts = list(_shorts_of(inside))
        if not shorts and not is_before:
            continue
        sentence = sentence_starts[max(0, bisect_left(sentence_starts, start) - 1)]
        first_word = bisect_left(word_starts, start) - _WORDS_BEFORE
        first = max(sentence, word_starts[first_word] if first_word > 0 else 0, start - _CHARACTERS_BEFORE)
        before = _Span.of(text, first, start)
        before = _Span(before.text.rstrip(",;: "), before.start)
        for short, is_of_paper in shorts:
            long = _long_form(short.text, before)
            if long and (is_of_paper or (short.text not in defined and _is_spelled(short.text, long.text))):
                break
        else:
            short, long = word, _defined_inside(word.text, inside) if is_before else None
        if long is not None:
            defined.add(short.text)
            yield Abbreviation(short.text, long.text, short.start, short.end, long.start, long.end, start, end)


def _brackets(text: str) -> list[tuple[int, int]]:
    """Start and end of each pair of brackets in at most two others, by their starts; other signs are left out."""
    pairs = []
    opened: list[int] = []
    kinds: Counter[str] = Counter()
    for found in _BRACKET.finditer(text):
        opening = _OPENING.get(found[0])
        if opening is None:
            opened.append(found.start())
            kinds[found[0]] += 1
        elif kinds[opening]:
            while (kind := text[opened[-1]]) != opening:
                kinds[kind] -= 1
                opened.pop()
            kinds[opening] -= 1
            pairs.append((opened.pop(), found.end()))
    shallow, ends = [], [0] * _MOST_BRACKETS
    for start, end in sorted(pairs):
        depth = next((depth for depth, outer_end in enumerate(ends) if outer_end <= start), None)
        if depth is not None:
            ends[depth:] = [end] + [0] * (_MOST_BRACKETS - depth - 1)
            shallow.append((start, end))
    return shallow


def _shorts_of(inside: _Span) -> Iterator[tuple[_Span, bool]]:
    """What may be a short form in a bracket, and whether it is the paper's: all before a comma or semicolon."""
    start = 0
    for between in [*_BETWEEN.finditer(inside.text), None]:
        end = between.start() if between else len(inside.text)
        whole = _part(inside, start, end)
        if start == 0 and _may_be_short(whole.text):
            yield whole, True
        remark = _REMARK.search(inside.text, start, end)
        for own_end in (end, remark.start()) if remark else (end,):
            own = _part(inside, start, own_end, f" {_QUOTES}")
            if (own != whole or start > 0) and _may_be_short(own.text) and _is_in_capitals(own.text):
                yield own, False
        start = end + 1


def _defined_inside(short: str, inside: _Span) -> _Span | None:
    """The long form that the first part of a bracket is, with or without a remark."""
    between = _BETWEEN.search(inside.text)
    end = between.start() if between else len(inside.text)
    remark = _REMARK_AFTER_LONG.search(inside.text, 0, end)
    for own_end in (remark.start(), end) if remark else (end,):
        part = _part(inside, 0, own_end, f" {_QUOTES}")
        long = _long_form(short, part)
        if long is not None and long.start == part.start:
            return long
    return None


def _part(inside: _Span, start: int, end: int, dropped: str | None = None) -> _Span:
    part = _Span.of(inside.text, start, end, dropped)
    return _Span(part.text, inside.start + part.start)


def _last_word(text: str, end: int) -> _Span:
    """The word before a place, if it may be a short form, without what opens before it."""
    words = text[max(0, end - 2 * _MOST_CHARACTERS) : end].rstrip().rsplit(None, 1)
    word = words[-1] if words else ""
    stripped = word.lstrip(f"([{{{_QUOTES}")
    return _Span(stripped.rstrip(_QUOTES), len(text[:end].rstrip()) - len(stripped)) if word else _Span("", end)


def _may_be_short(text: str) -> bool:
    """Section 3.2: at most two words, 2 to 10 characters, a letter, a letter or digit first, and no equation."""
    return (
        2 <= len(text) <= _MOST_CHARACTERS
        and len(text.split()) <= _MOST_WORDS
        and text[0].isalnum()
        and any(character.isalpha() for character in text)
        and not any(sign in text for sign in "<=>")
    )


def _is_in_capitals(text: str) -> bool:
    """Whether an abbreviation shows by its look: at least two letters are capitals, or one beside digits."""
    capitals = sum(character.isupper() for character in text) + any(character.isdigit() for character in text)
    return capitals > 1 and _PLAIN_SHORT.fullmatch(text) is not None


def _long_form(short: str, before: _Span) -> _Span | None:
    """The end of `before` that the short form stands for, or None."""
    letters = sum(character.isalnum() for character in short)
    long = _by_initials(short, before) or _by_any_letters(short, before)
    if long is None or len(long.text) <= len(short) or len(_WORD.findall(long.text)) > min(letters + 5, letters * 2):
        return None
    return None if _holds_word(long.text, short) or not _balanced(long.text) else long


def _holds_word(text: str, word: str) -> bool:
    """Whether a word stands in a text by itself; a pattern for each word would have to be compiled."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (start and _is_of_word(text[start - 1])) and not (end < len(text) and _is_of_word(text[end])):
            return True
        start = text.find(word, start + 1)
    return False


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _by_initials(short: str, before: _Span) -> _Span | None:
    """The last words, as many as the short form has letters, if these are their initials; Sohn et al. 2008."""
    letters = "".join(character for character in short if character.isalnum()).lower()
    words = list(_WORD.finditer(before.text))[-len(letters) :]
    if "".join(word[0][0] for word in words).lower() != letters:
        return None
    return _Span(before.text[words[0].start() :], before.start + words[0].start())


def _by_any_letters(short: str, before: _Span) -> _Span | None:
    """The shortest end of `before` that holds the letters in order, the first at a word's start; figure 1, 2003."""
    places = _places(short, before.text)
    return _Span(before.text[places[-1] :], before.start + places[-1]) if places else None


def _places(short: str, text: str) -> list[int]:
    """Where the letters of a short form stand in the shortest end of a text that holds them, the last one first."""
    text = _lower(text)
    first, *others = [character for character in _lower(short) if character.isalnum()]
    places, at = [], len(text)
    for letter in reversed(others):
        at = text.rfind(letter, 0, at)
        if at < 0:
            return []
        places.append(at)
    # The first character of the short form must start a word.
    at = text.rfind(first, 0, at)
    while at > 0 and text[at - 1].isalnum():
        at = text.rfind(first, 0, at)
    return [*places, at] if at >= 0 else []


def _is_spelled(short: str, long: str) -> bool:
    """Whether every word of a long form but "of" and the like holds a letter of the short one.

    One need not where there are letters for all: "AO-GLD" is adult onset globoid cell leukodystrophy.
    """
    places = _places(short, long)
    words = [word for word in _WORD.finditer(long) if word[0].lower() not in _JOINING]
    spelled = sum(any(word.start() <= place < word.end() for place in places) for word in words)
    starts_so = bool(words) and words[0].start() == 0
    return starts_so and spelled >= len(words) - (3 < len(words) <= len(places))


def _lower(text: str) -> str:
    """The text in lowercase, each letter by itself, so that offsets stay: "İ" would become two."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _balanced(text: str) -> bool:
    """Whether every bracket of `text` is a pair; otherwise it is two phrases."""
    return 2 * len(_brackets(text)) == len(_BRACKET.findall(text))
