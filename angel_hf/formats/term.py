"""A term of an ontology file: what a Concept holds, and what ties it to other vocabularies."""

from __future__ import annotations

from dataclasses import dataclass

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
