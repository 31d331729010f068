"""Other spellings of a name in texts, which nobody would call another name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from angel_hf.annotation.spellings import NUMBERS
from angel_hf.annotation.word_lists import GROWTHS, ORDINARY_WORDS
from angel_hf.text.reading import fold

# Catalogues give the mode of inheritance, and texts do not: "C3 Deficiency, Autosomal Recessive".
_INHERITANCE = re.compile(
    r"(.*\S \S.*?),? \(?(?:included|autosomal (?:recessive|dominant)|x[- ]linked(?: recessive| dominant)?)\)?",
    re.IGNORECASE,
)
_EPONYM = re.compile(r"((?:[Vv]on |[A-Z][a-z]+-)(?:[A-Z][a-z]+)(?:[- ][A-Z][a-z]+)*) (?:[Ss]yndrome|[Dd]isease)")
_MANY_NAMES = 26
# The Roman numbers that are letters too, both ways.
_LETTERS = {letter: NUMBERS[letter] for letter in "ivx"}
_LAST = _LETTERS | {number: letter for letter, number in _LETTERS.items()}
_LAST_NUMBER = re.compile(rf"({'|'.join(_LAST)})([a-h]?)")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe"})


def plain_names(name: str) -> Iterator[str]:
    """A name folded, and where it has umlauts once more with these as two letters: "Mobius", "Moebius".

    None of a name that is a letter or two, "β", which in other texts is part of a name.
    """
    if name.isascii():
        yield fold(name)
    elif len(name) > 2:
        yield fold(name)
        composed = unicodedata.normalize("NFC", name)
        if (written := composed.translate(_UMLAUTS)) != composed:
            yield fold(written)


def name_variants(name: str) -> Iterator[str]:
    """A name and its variants.

    The part after a comma moves to the front ("Carcinoma, Breast": "Breast Carcinoma"), the mode of inheritance is
    dropped, and of a disease named after several persons the persons suffice ("Tay-Sachs").
    """
    yield name
    head, comma, tail = name.partition(", ")
    if comma and ", " not in tail:
        yield f"{tail} {head}"
    inherited = _INHERITANCE.fullmatch(name)
    if inherited:
        yield from name_variants(inherited[1])
    eponym = _EPONYM.fullmatch(name)
    if eponym:
        yield eponym[1]


def growth_variants(forms: Sequence[str]) -> Iterator[list[str]]:
    """The forms of a name's words, then with each other word for a growth in the last place: cancer, tumor, ..."""
    yield list(forms)
    if len(forms) > 1 and forms[-1] in GROWTHS:
        yield from ([*forms[:-1], growth] for growth in GROWTHS if growth != forms[-1])


def number_variants(forms: Sequence[str]) -> Iterator[list[str]]:
    """The forms of a name's words, and where the last is 1, 5 or 10 or as a letter may mean these, both.

    Not where only letters stand before it, as in "ml-1".
    """
    yield list(forms)
    last = _LAST_NUMBER.fullmatch(forms[-1]) if forms else None
    if last and any(len(form) > 2 for form in forms[:-1]):
        yield [*forms[:-1], _LAST[last[1]] + last[2]]


def common_modifiers(names: Iterable[Sequence[str]]) -> frozenset[str]:
    """Words that open names of two or three words with many different last ones: "ovarian", "cerebral", "neonatal".

    Args:
        names: forms of the words of each name. In a small knowledge base there are no such words.
    """
    last_words: dict[str, set[str]] = {}
    for forms in names:
        if 2 <= len(forms) <= 3 and len(forms[0]) > 3 and forms[0].isalpha():
            last_words.setdefault(forms[0], set()).add(forms[-1])
    return frozenset(word for word, last in last_words.items() if len(last) >= _MANY_NAMES) - ORDINARY_WORDS
