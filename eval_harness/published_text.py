"""The texts that published results are on: what BioSyn's and GenBioEL's preprocessing does, in documented steps.

In this order, for every mention (the steps were found by comparing rows; no code was taken over):

1. abbreviations in the mention are written out, token by token, also around a slash or before a comma, as the
   document defines them; repeated until nothing changes;
2. of a composite mention ("breast and ovarian cancer", with as many parts as concepts) the first part stays ("breast
   cancer");
3. where OMIM and MeSH ids stand together for a mention, the MeSH ones stay;
4. lowercase, every ASCII punctuation mark a space, white space collapsed, and three spellings changed;
5. the text around the mention, as released, is lowercased and HTML entities in it resolved;
6. of a document of more than 384 words, parted by single spaces, the mention keeps a window.

A document that a file holds twice counts once.
"""

from __future__ import annotations

import dataclasses
import html
import os
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Literal

from angel_hf.annotation.abbreviations import find_abbreviations
from angel_hf.types import Mention
from eval_harness.example import Example

TextForm = Literal["released", "published", "ab3p"]
TEXT_FORMS: tuple[TextForm, ...] = ("released", "published", "ab3p")
"""`released`: as the corpus has it. `published`: the steps above. `ab3p`: the same with the program Ab3P to find
abbreviations, as the published rows were made; it needs the package pyab3p."""

FindAbbreviations = Callable[[str], Mapping[str, str]]
"""From a document's text to the long form of each of its abbreviations."""

_WINDOW = 384
_MOST_REPEATS = 10  # two abbreviations that stand for one another would never end
_SPELLING = {"tumour": "tumor", "tumours": "tumors", "leukaemia": "leukemia"}
_PUNCTUATION_TO_SPACE = str.maketrans(dict.fromkeys(string.punctuation, " "))
_ENUMERATION = re.compile(r"(?P<first>[^,]+?)(?:, [\w-]+)*,? (?:and|or|and/or) (?:the )?[\w-]+(?: (?P<shared>.+))?")


def publish(examples: Iterable[Example], form: TextForm) -> tuple[Example, ...]:
    """Examples in the form of published results.

    Args:
        examples: as released, the mentions of a document side by side.
        form: one of TEXT_FORMS; "released" changes nothing.

    Raises:
        ImportError: Ab3P is requested and not installed.
    """
    if form == "released":
        return tuple(examples)
    find = cache(_ab3p() if form == "ab3p" else _find_long_forms)
    return tuple(_publish(example, find(example.mention.text)) for example in _drop_duplicates(examples))


def write_out(mention: str, abbreviations: Mapping[str, str]) -> str:
    """A mention with the abbreviations among its tokens in their long form (step 1)."""

    def long_form(token: str) -> str:
        token = "/".join(abbreviations.get(part, part) for part in token.split("/"))
        comma = "," if token.endswith(",") else ""
        token = token.removesuffix(",")
        return abbreviations.get(token, token) + comma

    for _ in range(_MOST_REPEATS):
        before, mention = mention, " ".join(long_form(token) for token in mention.split())
        if mention == before:
            break
    return mention


def first_part(mention: str) -> str:
    """The first thing that an enumeration names, with the words that all of it share (step 2)."""
    match = _ENUMERATION.fullmatch(mention)
    return mention if match is None else " ".join(filter(None, (match["first"], match["shared"])))


def _publish(example: Example, abbreviations: Mapping[str, str]) -> Example:
    mention, text = example.mention, example.mention.text
    surface = write_out(mention.surface, abbreviations)
    if len(example.gold) > 1:
        surface = first_part(surface)
    mesh_only = tuple(part for part in example.gold if not any(one.startswith("OMIM:") for one in part))
    words = surface.lower().translate(_PUNCTUATION_TO_SPACE).split()
    # A mention of punctuation alone keeps it.
    surface = " ".join(_SPELLING.get(word, word) for word in words) or surface.lower()
    left, right = _window(text[: mention.start].strip(" "), text[mention.end :].strip(" "), len(text.split(" ")))
    left, right = html.unescape(left.lower()), html.unescape(right.lower())
    start = len(left) + 1 if left else 0
    published = Mention(f"{left} {surface} {right}".strip(" "), start, start + len(surface))
    return dataclasses.replace(example, mention=published, gold=mesh_only or example.gold, released=mention.surface)


def _window(left: str, right: str, words_in_all: int) -> tuple[str, str]:
    before, after = left.split(" "), right.split(" ")
    if words_in_all <= _WINDOW:
        return left, right
    if len(before) <= _WINDOW // 2:
        return left, " ".join(after[: _WINDOW - len(before)])
    if len(after) <= _WINDOW // 2:
        return " ".join(before[len(after) - _WINDOW :]), right
    return " ".join(before[-_WINDOW // 2 :]), " ".join(after[: _WINDOW // 2])


def _drop_duplicates(examples: Iterable[Example]) -> Iterator[Example]:
    """Without the second copy of an annotation, which only a document that comes twice has."""
    seen = set()
    for example in examples:
        key = (example.document_id, example.mention.start, example.mention.end, example.gold)
        if key not in seen:
            seen.add(key)
            yield example


def _find_long_forms(text: str) -> dict[str, str]:
    return {found.short: found.long for found in find_abbreviations(text)}


def _ab3p() -> FindAbbreviations:
    try:
        from pyab3p import Ab3p
    except ImportError as error:
        raise ImportError("the text form `ab3p` needs Ab3P: pip install pyab3p, or take --text published") from error
    program = Ab3p()

    def find(text: str) -> dict[str, str]:
        # Single spaces: otherwise it cannot find sentences again that it has split itself, and complains.
        with _silent_stderr():
            return {found.short_form: found.long_form for found in program.get_abbrs(" ".join(text.split()))}

    return find


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Without what compiled code writes to file descriptor 2."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
