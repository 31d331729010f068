"""The best-scored entries, searched once a spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.text.reading import normalize
from angel_hf.types import Candidate, Linked, Mention


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


def link_spellings(
    knowledge_base: KnowledgeBase,
    mentions: Sequence[Mention],
    nearest: Callable[[list[str]], Iterable[tuple[Candidate, ...]]],
) -> Iterator[Linked]:
    """Link mentions by their normalised strings alone, each distinct one once.

    Args:
        knowledge_base: whose normalisation counts.
        mentions: to be linked.
        nearest: the candidates of each string, in order.
    """
    strings = [normalize(mention.surface, knowledge_base.normalization) for mention in mentions]
    distinct = list(dict.fromkeys(strings))
    found = dict(zip(distinct, nearest(distinct), strict=True))
    for mention, string in zip(mentions, strings):
        yield Linked(mention, found[string])
