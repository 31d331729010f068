"""The best of many scores."""

from __future__ import annotations

import numpy as np

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Candidate


def best_candidates(
    knowledge_base: KnowledgeBase, entries: np.ndarray, scores: np.ndarray, top_k: int
) -> tuple[Candidate, ...]:
    """The entries of a knowledge base with the highest scores; of equal scores the earlier entry comes first.

    Args:
        knowledge_base: what the entries are of.
        entries: int [n].
        scores: float [n].
        top_k: most candidates.
    """
    if len(scores) > top_k:
        high = scores >= np.partition(scores, -top_k)[-top_k]
        entries, scores = entries[high], scores[high]
    order = np.lexsort((entries, -scores))[:top_k]
    return tuple(
        Candidate(knowledge_base.entry_name(entry), knowledge_base.entry_concept_ids(entry), round(score, 6))
        for entry, score in zip(entries[order].tolist(), scores[order].tolist())
    )
