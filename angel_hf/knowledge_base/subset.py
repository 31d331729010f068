"""The concepts of a part of a knowledge base: some semantic types, or all below some concepts."""

from __future__ import annotations

from collections.abc import Sequence

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase


def concepts_within(
    knowledge_base: KnowledgeBase,
    semantic_types: Sequence[str] = (),
    below: Sequence[str] = (),
    among: frozenset[str] | None = None,
) -> frozenset[str]:
    """The concepts of some semantic types that stand below some concepts.

    Args:
        knowledge_base: of all concepts.
        semantic_types: any type where none are given.
        below: these concepts and all under them; anywhere where none are given.
        among: only these; all where None.

    Raises:
        ValueError: a concept of `below` is unknown, or no concept is left.
    """
    allowed = _below(knowledge_base, below) if below else set(knowledge_base.concept_ids)
    if among is not None:
        allowed &= among
    if semantic_types:
        types = set(semantic_types)
        allowed = {one for one in allowed if not types.isdisjoint(knowledge_base.concept(one).semantic_types)}
    if not allowed:
        whole = "the knowledge base" if among is None else f"the {len(among):,} to which the model is restricted"
        raise ValueError(
            f"no concept of {whole} is left of semantic types {', '.join(semantic_types) or '(any)'} below "
            f"{', '.join(below) or '(anywhere)'}; `angel kb show` prints the types and parents of a concept"
        )
    return frozenset(allowed)


def _below(knowledge_base: KnowledgeBase, tops: Sequence[str]) -> set[str]:
    """Some concepts and all under them."""
    waiting = []
    for top in tops:
        known = knowledge_base.resolve(top)
        if known is None:
            raise ValueError(knowledge_base.explain_unknown(top))
        waiting.append(known)
    children: dict[str, list[str]] = {}
    for concept in knowledge_base.concepts():
        for parent in concept.parents:
            children.setdefault(knowledge_base.resolve(parent) or parent, []).append(concept.concept_id)
    found: set[str] = set()
    while waiting:
        concept_id = waiting.pop()
        if concept_id not in found:
            found.add(concept_id)
            waiting += children.get(concept_id, ())
    return found
