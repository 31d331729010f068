"""Parents by MeSH's tree numbers, and what all forms of MeSH share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from angel_hf.formats.term import Term

_REGISTRIES = (
    (re.compile(r"\d{2,7}-\d{2}-\d"), "CAS:"),
    (re.compile(r"EC [\d.-]+"), "EC:"),
    (re.compile(r"txid\d+"), "NCBITaxon:"),
    (re.compile(r"[A-Z0-9]{10}"), "UNII:"),
)


class TreeParents:
    """Descriptors, collected until the owners of all tree numbers are known.

    The parents of a descriptor are the owners of its tree numbers without their last part: `C14.280` stands below
    `C14`.
    """

    def __init__(self) -> None:
        self._collected: list[tuple[Term, list[str]]] = []
        self._owners: dict[str, str] = {}

    def add(self, term: Term, tree_numbers: list[str]) -> None:
        """Collect one; it is done with where it has no tree numbers."""
        self._collected.append((term, tree_numbers))
        for number in tree_numbers:
            self._owners.setdefault(number, term.concept.concept_id)

    def terms(self) -> Iterator[Term]:
        """All of them with their parents, in the order in which they came."""
        for term, numbers in self._collected:
            above = (self._owners.get(number.rpartition(".")[0]) for number in numbers)
            parents = dict.fromkeys(parent for parent in above if parent not in (None, term.concept.concept_id))
            yield replace(term, concept=replace(term.concept, parents=tuple(parents))) if parents else term


def registry_references(numbers: Iterable[str]) -> tuple[str, ...]:
    """Registry numbers of substances and species as cross-references: CAS, EC, FDA's UNII, NCBI's taxonomy."""
    found = dict.fromkeys(
        prefix + number.removeprefix("EC ").removeprefix("txid")
        for number in numbers
        for form, prefix in _REGISTRIES
        if form.fullmatch(number)
    )
    return tuple(found)
