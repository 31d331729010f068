"""Retired identifiers as alternative ids of the concepts that replace them."""

from __future__ import annotations

from collections.abc import Iterable

from angel_hf.formats.term import Retired
from angel_hf.knowledge_base.indexed_knowledge_base import IndexedKnowledgeBase

_LONGEST_CHAIN = 50  # a retired id may be replaced by one that was retired later


def with_successors(knowledge_base: IndexedKnowledgeBase, retired: Iterable[Retired]) -> list[tuple[str, ...]] | None:
    """The alternative ids of each concept with the retired ids that it replaces; None where there are none.

    Args:
        knowledge_base: whose concepts they are.
        retired: only those with one successor count; a successor that is retired itself is followed.
    """
    successor = {one.concept_id: one.successors[0] for one in retired if len(one.successors) == 1}
    if not successor:
        return None
    position_by_id = knowledge_base.position_by_id
    gained: dict[int, list[str]] = {}
    for identifier in successor:
        found: str | None = identifier
        for _ in range(_LONGEST_CHAIN):
            found = successor.get(found) if found is not None else None
            if found is None or found in position_by_id:
                break
        if found is not None and found in position_by_id and identifier not in position_by_id:
            gained.setdefault(position_by_id[found], []).append(identifier)
    if not gained:
        return None
    return [
        tuple(dict.fromkeys((*concept.alternative_ids, *gained.get(position, ()))))
        for position, concept in enumerate(knowledge_base.concepts())
    ]
