"""A concept of a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept with its names, the preferred one first.

    `alternative_ids` are other identifiers of the same concept (ALT_ID of MEDIC, alt_id of OBO); `parents` are ids.
    """

    concept_id: str
    names: tuple[str, ...]
    alternative_ids: tuple[str, ...] = ()
    semantic_types: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
