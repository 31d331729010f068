"""Identifiers of concepts: `MESH:D001260`, `mesh:D001260`, `http://id.nlm.nih.gov/mesh/D001260` and `D001260` are one.

The prefixes and their synonyms, the beginnings of IRIs and the patterns of local identifiers are those of Bioregistry
0.15.6 (CC0), for the vocabularies of this field, in `prefixes.json`: an extended prefix map, the form that `curies`
reads. The patterns of MeSH, UMLS, NCIT, SNOMED CT and LOINC are narrower, so that a bare identifier tells its
vocabulary. Neither library is imported here: `curies` knows no letter case, no dated prefix and no bare identifier,
which is most of the work, and Bioregistry takes seconds to import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import NamedTuple

# A bare identifier of these can be told by its form, if all bare ones of a file fit; numbers cannot, but for SNOMED's.
_TOLD_BY_FORM = ("MESH", "UMLS", "NCIT", "SNOMEDCT", "DRUGBANK", "CHEMBL.COMPOUND", "DBSNP")
_LEAST_SHARE = 0.98
_RESOLVERS = re.compile(r"(?:[\w.]*bioregistry\.io|identifiers\.org|n2t\.net|purl\.obolibrary\.org/obo)/(.+)")
_WITHOUT_COLON = re.compile(r"([^\W\d][\w.\-]*?)[_ ]?(\d[\w./\-]*)")  # MONDO_0000001, ORPHA558
# SNOMEDCT_US_2023_03_01, ICD9CM_2006, SCTID_2010_1_31
_DATED = re.compile(r"(?:_\d{4}(?:_\d{1,2}){0,2}(?:_\d{2})?)$")
_MOST_CHARACTERS = 2048  # of an IRI; nothing longer is looked at


class Identifier(NamedTuple):
    """The parts of an identifier.

    `prefix` is the vocabulary: as `prefixes.json` spells it where it is known there, else as it came; empty for a bare
    identifier. `local` is the rest.
    """

    prefix: str
    local: str

    @property
    def curie(self) -> str:
        """`PREFIX:LOCAL`, or the bare identifier."""
        return f"{self.prefix}:{self.local}" if self.prefix else self.local

    @property
    def key(self) -> tuple[str, str]:
        """Equal for equal identifiers; the prefix of a vocabulary that is not known is compared without its case."""
        return (self.prefix if self.prefix in _vocabularies() else self.prefix.casefold()), self.local


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A vocabulary: its prefix, how others spell that, its IRIs without `http(s)://`, the form of its identifiers."""

    prefix: str
    spellings: tuple[str, ...]
    iris: tuple[str, ...]
    pattern: re.Pattern[str] | None
    iri: str
    repeated: re.Pattern[str]  # the prefix again at the start of a local identifier


def parse_identifier(identifier: str, bare: str = "") -> Identifier:
    """Take an identifier apart, in whatever form it comes; never raises.

    Args:
        identifier: a CURIE, an IRI, `MONDO_0000001`, or a bare identifier.
        bare: the vocabulary of bare identifiers, where the caller knows it (see `vocabulary_of_bare`).
    """
    text = identifier.strip()
    prefix, colon, local = text.partition(":")
    if prefix and local and not local.startswith("//"):
        known = _known_prefix(prefix)
        return Identifier(prefix, local) if known is None else _of(_vocabularies()[known], local.strip())
    if len(text) <= _MOST_CHARACTERS:
        found = _of_iri(text.strip("<>").partition("://")[2]) if colon else _without_colon(text)
        if found is not None:
            return found
    if bare and not colon and (form := _vocabularies()[bare].pattern) is not None and form.fullmatch(text):
        return Identifier(bare, text)
    return Identifier("", text)


def normalize_identifier(identifier: str, bare: str = "") -> str:
    """The usual form of an identifier: `MESH:D001260`, `ORPHA:558`; one that nothing is known of stays as it is."""
    return parse_identifier(identifier, bare).curie


def vocabulary_of_bare(identifiers: Iterable[str]) -> str:
    """The vocabulary whose form the bare identifiers of a file have, nearly all of them, or "".

    `D001260` and `C565588` are MeSH's; numbers are nobody's, unless they have the form of SNOMED CT's.
    """
    fitting = dict.fromkeys(_TOLD_BY_FORM, 0)
    count = 0
    for identifier in identifiers:
        if ":" not in identifier and not parse_identifier(identifier).prefix:
            count += 1
            for prefix in vocabularies_of_form(identifier):
                fitting[prefix] += 1
    # Some of MeSH's supplementary records and NCIT's concepts are spelled alike; MeSH comes first and wins a draw.
    best = max(fitting, key=fitting.__getitem__)
    return best if count and fitting[best] >= _LEAST_SHARE * count else ""


def vocabularies_of_form(local: str) -> tuple[str, ...]:
    """The vocabularies, of those that are told by form, that a bare identifier may belong to."""
    known = (_vocabularies()[prefix] for prefix in _TOLD_BY_FORM)
    return tuple(one.prefix for one in known if one.pattern is not None and one.pattern.fullmatch(local))


def vocabulary(name: str) -> str:
    """The prefix of a vocabulary by any of its names: `mesh`, `SNOMED`, `Orphanet`.

    Raises:
        ValueError: it is not known.
    """
    known = _known_prefix(name.strip().removesuffix(":"))
    if known is None:
        near = get_close_matches(name.casefold(), _prefix_by_spelling(), n=1)
        hint = f"; did you mean {_prefix_by_spelling()[near[0]]}?" if near else ""
        raise ValueError(f"the vocabulary {name!r} is not known{hint}; known are {', '.join(sorted(_vocabularies()))}")
    return known


def is_vocabulary(name: str) -> bool:
    """Whether `vocabulary` knows a name."""
    return _known_prefix(name) is not None


def iri_prefix(prefix: str) -> str:
    """What stands before the local identifier in IRIs of a vocabulary."""
    known = _vocabularies().get(prefix)
    return f"https://bioregistry.io/{prefix}:" if known is None else known.iri


def _of(known: Vocabulary, local: str) -> Identifier:
    """The identifier of a known vocabulary; `GO:GO:0005737` and `ORPHA:ORPHA558` repeat the prefix."""
    if local[:1].isalpha():
        if known.prefix == "OMIM" and local[:2].upper() == "PS" and local[2:].isdecimal():
            return Identifier("OMIMPS", local[2:])  # a phenotypic series
        for form in (local, local.upper(), known.repeated.sub("", local, count=1)):
            if known.pattern is None or known.pattern.fullmatch(form):
                return Identifier(known.prefix, form)
    return Identifier(known.prefix, local)


def _of_iri(iri: str) -> Identifier | None:
    """The identifier in an IRI without its scheme."""
    for start, prefix in _iris():
        if iri.startswith(start) and len(iri) > len(start):
            return _of(_vocabularies()[prefix], iri[len(start) :])
    found = _RESOLVERS.fullmatch(iri)
    if found is None:
        return None
    prefix, separator, local = re.sub(r"[/_]", ":", found[1], count=1).partition(":")
    known = _known_prefix(prefix)
    if not separator or not local:
        return None
    return Identifier(prefix, local) if known is None else _of(_vocabularies()[known], local)


def _without_colon(text: str) -> Identifier | None:
    found = _WITHOUT_COLON.fullmatch(text)
    known = None if found is None else _prefix_by_spelling().get(found[1].casefold())
    if found is None or known is None:
        return None
    vocabulary = _vocabularies()[known]
    fits = vocabulary.pattern is not None and vocabulary.pattern.fullmatch(found[2])
    return Identifier(known, found[2]) if fits else None


def _known_prefix(prefix: str) -> str | None:
    known = _prefix_by_spelling().get(prefix.casefold())
    if known is None and (dated := _DATED.search(prefix)):
        known = _prefix_by_spelling().get(prefix[: dated.start()].casefold())
    return known


@cache
def _vocabularies() -> dict[str, Vocabulary]:
    content = (files("angel_hf.text") / "prefixes.json").read_text(encoding="utf-8")
    return {record["prefix"]: _vocabulary(**record) for record in json.loads(content)}


def _vocabulary(
    prefix: str, prefix_synonyms: list[str], uri_prefix: str, uri_prefix_synonyms: list[str], pattern: str = ""
) -> Vocabulary:
    spellings = (prefix, *prefix_synonyms)
    return Vocabulary(
        prefix,
        spellings,
        tuple(iri.partition("://")[2] for iri in (uri_prefix, *uri_prefix_synonyms)),
        re.compile(pattern) if pattern else None,
        uri_prefix,
        re.compile(f"(?:{'|'.join(map(re.escape, spellings))})[:_]?(?=[^:])(?=.*\\d)", re.IGNORECASE),
    )


@cache
def _prefix_by_spelling() -> dict[str, str]:
    return {spelling.casefold(): one.prefix for one in _vocabularies().values() for spelling in one.spellings}


@cache
def _iris() -> list[tuple[str, str]]:
    """The beginnings of IRIs with their vocabularies, the longest first."""
    starts = [(iri, one.prefix) for one in _vocabularies().values() for iri in one.iris]
    return sorted(starts, key=lambda start: -len(start[0]))
