"""Vocabularies whose names may not be redistributed, recognised by their identifiers or their name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Restricted:
    """A vocabulary whose licence forbids publishing its names.

    Args:
        name: as people know it.
        reason: what the licence says, in a clause.
        url: where a user gets their own copy.
    """

    name: str
    reason: str
    url: str


UMLS = Restricted(
    "UMLS Metathesaurus",
    "the licence of the UMLS Metathesaurus forbids to distribute its content to people who have not signed it",
    "https://www.nlm.nih.gov/research/umls/",
)
SNOMED_CT = Restricted(
    "SNOMED CT",
    "the licence of SNOMED International forbids to distribute SNOMED CT outside of member countries and licensees",
    "https://www.snomed.org/get-snomed",
)
MEDDRA = Restricted(
    "MedDRA",
    "the subscription terms of MedDRA forbid to distribute its terms to people who have no subscription",
    "https://www.meddra.org/subscription",
)

_BY_NAME = ((r"\bumls\b|metathesaurus", UMLS), (r"\bsnomed\b", SNOMED_CT), (r"\bmeddra\b", MEDDRA))
_UMLS_ID = re.compile(r"(?:UMLS:|CUI:)?C\d{7}", re.IGNORECASE)
_SNOMED_ID = re.compile(r"(?:SNOMEDCT(?:_US)?:|SCTID:|SNOMED:)?(\d{6,18})", re.IGNORECASE)
_MEDDRA_ID = re.compile(r"MEDDRA:\d{8}", re.IGNORECASE)
# Of the identifiers that look like a vocabulary's, this share must be right for it: a few are so by chance.
_SHARE = 0.9


def find_restricted(concept_ids: Iterable[str], declared: str = "") -> Restricted | None:
    """The restricted vocabulary that concepts are from, or None.

    Args:
        concept_ids: all of them; UMLS and SNOMED CT identifiers are known by their form, the latter by their
            check digit (Verhoeff) and partition too, so that other numbers do not match.
        declared: the publisher's name of the knowledge base.
    """
    for pattern, vocabulary in _BY_NAME:
        if re.search(pattern, declared, re.IGNORECASE):
            return vocabulary
    umls = snomed = numbers = 0
    for concept_id in concept_ids:
        for part in re.split(r"[|+,;]", concept_id):
            if _MEDDRA_ID.fullmatch(part):
                return MEDDRA
            umls += _UMLS_ID.fullmatch(part) is not None
            if (found := _SNOMED_ID.fullmatch(part)) is not None:
                numbers += 1
                snomed += is_snomed_id(found[1])
    if umls:
        return UMLS
    return SNOMED_CT if numbers and snomed >= _SHARE * numbers else None


def is_snomed_id(digits: str) -> bool:
    """Whether a number is a SNOMED CT identifier: its partition is one of the standard's and its check digit right."""
    return digits[-3:-1] in {"00", "01", "02", "10", "11", "12"} and _verhoeff(digits) == 0


def _verhoeff(digits: str) -> int:
    """The check sum of Verhoeff's dihedral code, 0 for a right number."""
    check = 0
    for position, digit in enumerate(map(int, reversed(digits))):
        for _ in range(position % 8):
            digit = _PERMUTATION[digit]
        check = _dihedral(check, digit)
    return check


_PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _dihedral(first: int, second: int) -> int:
    """The product in the group of a pentagon's symmetries: 0-4 are rotations, 5-9 reflections."""
    if first < 5:
        return (first + second) % 5 if second < 5 else 5 + (first + second) % 5
    return 5 + (first - second) % 5 if second < 5 else (first - second) % 5
