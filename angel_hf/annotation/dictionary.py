"""Detection by dictionary: names are looked up in the text, without training and without a model."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from angel_hf.annotation.abbreviations import Abbreviation, find_abbreviations
from angel_hf.annotation.designators import list_end, lists_before
from angel_hf.annotation.expansion import Definitions
from angel_hf.annotation.phrases import as_written, has_separator, is_phrase
from angel_hf.annotation.variants import (
    common_modifiers,
    growth_variants,
    name_variants,
    number_variants,
    plain_names,
)
from angel_hf.annotation.word_lists import GENERIC, KINDS, ORDINARY_WORDS, QUALIFIERS
from angel_hf.annotation.words import WordForms, Words, is_pronoun, split_words
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.text.folding import Folded
from angel_hf.text.reading import fold
from angel_hf.types import Mention

_COORDINATORS = ("and", "or")
# An abbreviation before one of these is a gene and no disease.
_GENE = re.compile(r"[ -](?:gene|locus|protein|mRNA|cDNA|allele|mutant|promoter|exon|transcript)")
_CAPITALS = re.compile(r"(?=.*[A-Z].*[A-Z])[A-Za-z0-9/-]{2,6}")
# "WT1", "RB1": the gene more often than its disease, unless the text defines it.
_GENE_SYMBOL = re.compile(r"[A-Z][0-9]+$")
# Of the names that are too long for an abbreviation, the share from which capitals mean nothing.
_ALL_CAPITALS = 0.9
# What can be read as a word: "GOUT" and "LUPUS", but not "SCD" and "C6D".
_READABLE = re.compile(r"(?=.*[AEIOUY])(?=.*[^AEIOU])[A-Z]{3,}")
_LONGEST = 14
_AROUND = 20


class DictionaryDetector:
    """Finds the names of a knowledge base in texts: the longest at each place, at word boundaries.

    Names and texts are folded (`text.reading.fold`). Names match by the forms of `spellings.word_form`, with any
    characters between the words but what ends a phrase, and by the variants of `angel_hf.annotation.variants`
    ("Carcinoma, Breast" as "breast carcinoma"). Names that look like abbreviations match in their own letter case only,
    and not before "gene" and the like; where nearly all names are in capitals, those that can be read as words match
    as words. A mention includes qualifiers before it
    ("sporadic", and words that open many names), "disease" and the like after it, and what shares its last words
    ("breast and ovarian cancer") or all but the last number or letter ("type 1, 2 and 3"). An abbreviation that a text
    defines is a mention wherever its long form ends in one, and does not interrupt a name: "G6PD (glucose ...)
    deficiency". Where "disease" itself is a name, so are "inherited disease" and the like.

    Args:
        names: the names to find.
        stop_words: forms that are no mention although they are a name.
    """

    def __init__(self, names: Iterable[str], stop_words: frozenset[str] = ORDINARY_WORDS) -> None:
        self._forms = WordForms()
        self._names: set[str] = set()
        self._exact: set[str] = set()
        self._separated: set[str] = set()  # names that hold what ends a phrase elsewhere
        self._lengths: dict[str, int] = {}  # first word of a name -> bit n set where a name of n words starts so
        spelled: list[list[str]] = []
        capitals: list[str] = []
        in_capitals = long_names = 0
        for name in chain.from_iterable(map(plain_names, names)):
            if _CAPITALS.fullmatch(name):
                capitals.append(name)
            else:
                long_names += len(name) > 6
                in_capitals += len(name) > 6 and name.isupper()
                spelled.append(self._add_spelled(name, stop_words))
        readable = sum(_READABLE.fullmatch(name) is not None for name in capitals)
        has_capitals_only = in_capitals >= _ALL_CAPITALS * long_names if long_names else readable == len(capitals)
        for name in capitals:
            if has_capitals_only and _READABLE.fullmatch(name) and self._form(name) not in stop_words:
                spelled.append(self._add_spelled(name, stop_words))
            elif not _GENE_SYMBOL.search(name):
                self._exact.add(name)
                self._record_length(split_words(name, self._forms).forms)
        if ["disease"] in spelled:
            for name in GENERIC:
                self._add(name.split(), stop_words)
        self._before = QUALIFIERS | common_modifiers(spelled)

    @classmethod
    def from_knowledge_base(cls, knowledge_base: KnowledgeBase) -> DictionaryDetector:
        """Find every name of a knowledge base."""
        return cls(knowledge_base.names)

    def is_name(self, text: str) -> bool:
        """Whether a text is a name in one of its detected forms."""
        text = fold(text)
        return text in self._exact or self._form(text) in self._names

    def detect(self, texts: Sequence[str]) -> list[list[Mention]]:
        """The mentions of each text, in its order; see MentionDetector."""
        return [self._mentions(text) for text in texts]

    def _mentions(self, text: str) -> list[Mention]:
        folded = Folded(text)
        found: list[Mention] = []
        for own in self._spans(folded.text):
            start, end = own if folded.text is text else folded.span(*own)
            # Two may have been found in what is one character: "½".
            if not found or found[-1].end <= start:
                found.append(Mention(text, start, end))
        return found

    def _form(self, text: str) -> str:
        return " ".join(split_words(text, self._forms).forms)

    def _add_spelled(self, name: str, stop_words: frozenset[str]) -> list[str]:
        """Add a name with its variants; gives the forms of its words."""
        if has_separator(name):
            self._separated.add(as_written(name))
        own, *variants = (split_words(variant, self._forms).forms for variant in name_variants(name))
        for forms in (own, *variants):
            self._add(forms, stop_words)
        return own

    def _add(self, name: list[str], stop_words: frozenset[str]) -> None:
        """Add a name by the forms of its words."""
        for grown in growth_variants(name):
            for forms in number_variants(grown):
                joined = " ".join(forms)
                if len(joined) > 2 and len(forms) <= _LONGEST and joined not in stop_words and not joined.isdecimal():
                    self._names.add(joined)
                    self._record_length(forms)

    def _record_length(self, forms: list[str]) -> None:
        if forms:
            self._lengths[forms[0]] = self._lengths.get(forms[0], 0) | 1 << len(forms)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        words = split_words(text, self._forms)
        definitions = find_abbreviations(text) if "(" in text or "[" in text else ()
        if definitions:
            words = _without_short_forms(words, definitions)
        spans, free = [], 0  # the first word after the last mention
        for place, length in self._places(text, words):
            start, end = self._extended(text, words, free, place, length)
            spans.append((start, list_end(text, words.starts[place], end, self.is_name)))
            free = place + length
        spans += lists_before(text, self.is_name)
        return with_abbreviations(text, spans, definitions)

    def _places(self, text: str, words: Words) -> Iterator[tuple[int, int]]:
        """The first word of each name in the text, and the number of its words."""
        forms, starts, ends, names = words.forms, words.starts, words.ends, self._names
        lengths_of = self._lengths.get
        place, count = 0, len(forms)
        for place_of_word, form in enumerate(forms):
            lengths = lengths_of(form)
            if lengths is None or place_of_word < place:
                continue
            for length in range(min(lengths.bit_length() - 1, count - place_of_word), 0, -1):
                if lengths >> length & 1:
                    last = place_of_word + length
                    start, end = starts[place_of_word], ends[last - 1]
                    if text[start:end] in self._exact:
                        is_word = form in ORDINARY_WORDS and _is_in_capitals(text, start, end)
                        accepted = not is_word and not _GENE.match(text, end)
                    else:
                        accepted = " ".join(forms[place_of_word:last]) in names and self._is_one(text, start, end)
                    if accepted:
                        if last < count and forms[last] in KINDS and text[end : starts[last]] == " ":
                            last += 1
                        yield place_of_word, last - place_of_word
                        place = last
                        break

    def _is_one(self, text: str, start: int, end: int) -> bool:
        """Whether a span that has the words of a name is one phrase."""
        surface = text[start:end]
        if surface.endswith(" I") and is_pronoun(text, end):
            return False
        return is_phrase(surface) or as_written(surface) in self._separated

    def _extended(self, text: str, words: Words, free: int, place: int, length: int) -> tuple[int, int]:
        """Offsets of a name with its qualifiers on the left, down to the word `free`."""
        first, last = place, place + length
        while first > free:
            separator = text[words.ends[first - 1] : words.starts[first]]
            if separator in (" ", "-") and words.forms[first - 1] in self._before:
                first -= 1
                if words.forms[first] == "linked" and first > free:  # X-linked
                    first -= 1
                continue
            shared = self._coordinated(text, words, first, place, last)
            if shared is None or shared < free:
                break
            first = shared
        return words.starts[first], words.ends[last - 1]

    def _coordinated(self, text: str, words: Words, first: int, place: int, last: int) -> int | None:
        """The first word before "and" that is a name too with the last words of this one, or None."""
        before = first - 1
        while before >= 0 and words.forms[before] in _COORDINATORS:
            before -= 1
        between = text[words.ends[before] : words.starts[first]] if before >= 0 else ""
        if before < 0 or (before == first - 1 and between.strip() not in (",", "/", "-")) or len(between) > 9:
            return None
        if has_separator(between):
            return None
        for head in range(place + 1, last):
            for width in (2, 1):
                start = before + 1 - width
                if start >= 0 and " ".join(words.forms[start : before + 1] + words.forms[head:last]) in self._names:
                    return start
        return None


def _is_in_capitals(text: str, start: int, end: int) -> bool:
    """Whether the words around a span have capitals only: "ALL PATIENTS"."""
    around = text[max(0, start - _AROUND) : start] + text[end : end + _AROUND]
    return around.isupper() and sum(map(str.isalpha, around)) > 3


def with_abbreviations(
    text: str, spans: list[tuple[int, int]], definitions: Sequence[Abbreviation]
) -> list[tuple[int, int]]:
    """The spans, and every occurrence of a short form whose long form ends in one, without overlaps."""
    ends = {end for _, end in spans}
    of_mentions = Definitions(one for one in definitions if one.long_end in ends)
    spans = spans + [(start, end) for start, end, _ in of_mentions.occurrences(text)]
    return without_overlaps(spans)


def without_overlaps(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans that overlap no longer one, in the text's order."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(spans)):
        if not kept or kept[-1][1] <= start:
            kept.append((start, end))
        elif end - start > kept[-1][1] - kept[-1][0]:
            kept[-1] = (start, end)
    return kept


def _without_short_forms(words: Words, definitions: Sequence[Abbreviation]) -> Words:
    """The words of a text but those of short forms in brackets, which interrupt names."""
    kept, done = Words([], [], []), 0
    for one in definitions:
        if one.long_end < one.short_start:
            first = max(done, bisect_left(words.starts, one.short_start))
            _extend(kept, words, done, first)
            done = max(first, bisect_left(words.starts, one.short_end))
    _extend(kept, words, done, len(words.starts))
    return kept


def _extend(kept: Words, words: Words, first: int, last: int) -> None:
    kept.forms.extend(words.forms[first:last])
    kept.starts.extend(words.starts[first:last])
    kept.ends.extend(words.ends[first:last])
