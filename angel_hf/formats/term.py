"""What an ontology file holds: terms in use, terms without a name, and retired identifiers with their successors."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from angel_hf.types import Concept


@dataclass(frozen=True, slots=True)
class Term:
    """A concept with its cross-references and definition.

    `cross_references` are `NAMESPACE:ID` as the file spells them (`MESH:D004194`, `UMLS:C0012634`); `definition` is
    empty where the file has none.
    """

    concept: Concept
    cross_references: tuple[str, ...] = ()
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Retired:
    """An identifier that its vocabulary no longer uses.

    `successors` are the concepts that replace it: one (OBO's replaced_by), several among which a person has to choose
    (OBO's consider, SNOMED's "possibly equivalent to"), or none. `is_exact` is False where even a single successor is
    not known to mean the same: a broader concept, or one to be considered.
    """

    concept_id: str
    successors: tuple[str, ...] = ()
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A term without a name: no fault, as OBO and OWL leave out the names of terms that other ontologies define."""

    concept_id: str


def fault_of(text: Any) -> str | None:
    """Why a text can't be a name or an identifier; None where it can."""
    if not isinstance(text, str):
        return f"is of type {type(text).__name__}; expected text"
    if not text.strip():
        return "is empty; expected text"
    if text.isprintable():  # nearly all are, and this is much faster than a look at every character
        return None
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            return (
                f"holds the control character U+{ord(character):04X}; remove it (a tab or line break often means a "
                "wrong column)"
            )
    return None
