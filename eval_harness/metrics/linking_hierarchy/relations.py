"""How near a wrong concept is to the right one in the ontology."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

Relation = Literal["exact", "parent", "child", "sibling", "none"]
RELATIONS: tuple[Relation, ...] = ("exact", "parent", "child", "sibling", "none")
"""From the nearest on; of several that hold, the first counts."""


def relation(answer: Collection[str], gold: Collection[str], parents: Mapping[str, Collection[str]]) -> Relation:
    """What an answer is to the gold concepts.

    Args:
        answer: concept ids of the first candidate; none for no answer.
        gold: the right concepts.
        parents: of every concept that has any.

    Returns:
        "exact": a concept of both; "parent": the answer holds a parent of a gold concept; "child": a gold concept is
        a parent of an answered one; "sibling": they have a parent in common; else "none".
    """
    if not set(answer).isdisjoint(gold):
        return "exact"
    above_gold = {parent for concept in gold for parent in parents.get(concept, ())}
    if not above_gold.isdisjoint(answer):
        return "parent"
    above_answer = {parent for concept in answer for parent in parents.get(concept, ())}
    if not above_answer.isdisjoint(gold):
        return "child"
    return "none" if above_answer.isdisjoint(above_gold) else "sibling"
