"""Words of a text with their offsets, in a form shared by spelling variants."""

from __future__ import annotations

import re
from dataclasses import dataclass

from angel_hf.annotation.spellings import number_form, word_form

# Letters and digits, with a "non-" before them; a possessive 's is no word of its own.
_WORD = re.compile(r"(?:[Nn]on-)?[^\W_]+(?:['’]s\b)?")
# "alpha1", "IL1beta", "TGFbeta1"; shorter names of Greek letters are parts of too many words.
_GREEK = re.compile(
    r"(?P<before>[A-Za-z0-9]*[A-Z0-9])?(?P<letter>(?i:alpha|beta|gamma|delta|epsilon|theta|kappa|lambda|sigma|omega))"
    r"(?P<after>[0-9]+[A-Za-z]?)?"
)
# "type V", "stage I": after these words, and after numbers that follow them, a letter is a Roman number.
_COUNTED_THINGS = """
    angiotensin apolipoprotein bipolar category chain class collagen complex degree factor grade group level nerve
    number part phase stage stratum subtype type variant zone
    """
_COUNTED = frozenset(_COUNTED_THINGS.split())
_BETWEEN_NUMBERS = ("and", "or", "to")
_NUMBERED = re.compile(r"[0-9]+[a-z]?")
_LONGEST_LIST = 12
# What follows "I" where that is who writes, and no disease: not "was" or "have".
_VERB = re.compile(
    r" (?:also )?(?:am|assume|believe|describe|feel|hope|know|propose|recall|saw|suggest|suspect|think|thought|wish)\b"
)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, in order.

    Args:
        forms: the shared form of each word, see `word_form`; where a number may stand, that of a Roman number.
        starts: offset of the first character of each word.
        ends: offset after its last character, a possessive 's left out.
    """

    forms: list[str]
    starts: list[int]
    ends: list[int]


class WordForms(dict[str, str]):
    """Caches the forms of words, of which a text has few different ones.

    The form of what is more than a word, or may be a number or a letter, depends on its place; here it is the empty
    string. Millions of texts have many words, most of them used once; so the cache is bounded, and sequences of letters
    are too long for it.
    """

    MOST = 100_000
    LONGEST = 40

    def __missing__(self, word: str) -> str:
        form = "" if _depends_on_place(word) else word_form(word)
        if len(self) < self.MOST and len(word) <= self.LONGEST:
            self[word] = form
        return form


def split_words(text: str, forms: WordForms) -> Words:
    """The words of a folded text; punctuation and white space only separate them.

    Greek letters are words of their own ("IL1beta", "alpha1"), and Roman numbers are those of Arabic digits: I, V and X
    where a word before them tells that they are ("type V", "factors V and X"), all others everywhere.
    """
    words = Words([], [], [])
    found, starts, ends = words.forms, words.starts, words.ends
    for match in _WORD.finditer(text):
        word = match[0]
        form = forms[word]
        if not form:
            _add_by_place(words, text, word, match.start())
            continue
        found.append(form)
        start, end = match.span()
        starts.append(start)
        ends.append(end)
    return words


def is_pronoun(text: str, end: int) -> bool:
    """Whether the "I" that ends here is who writes, as the verb after it tells."""
    return _VERB.match(text, end) is not None


def _depends_on_place(word: str) -> bool:
    if len(word) > 2 and word.isalpha() and word[1:].islower():  # as nearly all are
        return False
    return word[-2:-1] in ("'", "’") or _may_be_number(word) or _greek_parts(word) is not None


def _may_be_number(word: str) -> bool:
    """Whether a word is I, V or X, maybe with a letter after it: "type Ib"."""
    return word.lower() in ("i", "v", "x") or (
        len(word) == 2 and word[0] in "IVX" and word[1] in "abcdefghABCDEFGH" and number_form(word) is not None
    )


def _greek_parts(word: str) -> list[str] | None:
    """The parts of a word that holds the name of a Greek letter, or None where it is one word."""
    found = _GREEK.fullmatch(word)
    parts = [part for part in found.groups() if part] if found else []
    return parts if len(parts) > 1 else None


def _add_by_place(words: Words, text: str, word: str, start: int) -> None:
    """Add a word whose form depends on where it stands, or the words in it."""
    if word[-2:-1] in ("'", "’"):
        word = word[:-2]
    for part in _greek_parts(word) or [word]:
        is_number = _may_be_number(part) and _is_counted(words.forms) and not _is_letter(text, start + len(part))
        words.forms.append((is_number and number_form(part)) or word_form(part))
        words.starts.append(start)
        words.ends.append(start + len(part))
        start += len(part)


def _is_counted(forms: list[str]) -> bool:
    """Whether a number is to come: after "type", "type 1 and", "factors 5, 8 and"."""
    for form in forms[: -_LONGEST_LIST - 1 : -1]:
        if form in _COUNTED:
            return True
        if form not in _BETWEEN_NUMBERS and not _NUMBERED.fullmatch(form):
            return False
    return False


def _is_letter(text: str, end: int) -> bool:
    """Whether what ends here is a letter for sure: "X-linked", "I think"."""
    return text.startswith("-linked", end) or (text[end - 1] == "I" and is_pronoun(text, end))
