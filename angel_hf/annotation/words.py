"""Words of a text with their offsets, in a form shared by spelling variants."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Letters and digits, with a "non-" before them; a possessive 's is no word of its own.
_WORD = re.compile(r"(?:[Nn]on-)?[^\W_]+(?:['’]s\b)?")
_IRREGULAR = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "deficient": "deficiency"}
_NO_PLURAL = ("ss", "us", "is", "os")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, in order.

    Args:
        forms: the shared form of each word, see `word_form`.
        starts: offset of the first character of each word.
        ends: offset after its last character, a possessive 's left out.
    """

    forms: list[str]
    starts: list[int]
    ends: list[int]


class WordForms(dict[str, str]):
    """Caches the forms of words, of which a text has few different ones.

    Millions of texts have many, most of them used once; so the cache is bounded, and sequences of letters are too long
    for it.
    """

    MOST = 100_000
    LONGEST = 40

    def __missing__(self, word: str) -> str:
        form = word_form(word)
        if len(self) < self.MOST and len(word) <= self.LONGEST:
            self[word] = form
        return form


def split_words(text: str, forms: WordForms) -> Words:
    """The words of `text`; punctuation and white space only separate them."""
    found, starts, ends = [], [], []
    for match in _WORD.finditer(text):
        word = match[0]
        start, end = match.span()
        if word[-2:-1] in ("'", "’"):
            word, end = word[:-2], end - 2
        found.append(forms[word])
        starts.append(start)
        ends.append(end)
    return Words(found, starts, ends)


def word_form(word: str) -> str:
    """Lowercase, in the singular, in American spelling, Roman numbers as digits.

    "Tumours" gives "tumor", "anaemia" "anemia", "non-syndromic" "nonsyndromic", "II" "2", and "deficient"
    "deficiency". The rules are rough: the form need not be a word, only the same for variants and different for
    different diseases.
    """
    form = word.lower().replace("-", "")
    if form in _IRREGULAR:
        return _IRREGULAR[form]
    if len(form) > 3 and form.endswith("s") and not form.endswith(_NO_PLURAL):
        form = f"{form[:-3]}y" if form.endswith("ies") and len(form) > 5 else form[:-1]
    if len(form) > 4:
        form = form.replace("our", "or").replace("ae", "e").replace("oe", "e")
    return form
