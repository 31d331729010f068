"""Linking with ranking stages: a mention is searched for in its text and by itself, and all candidates are weighed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.ranking.confidence import merge_candidates
from angel_hf.ranking.ranker import Found, Part, Ranked, Ranker
from angel_hf.search.batches import Search
from angel_hf.trie.walkable_trie import WalkableTrie
from angel_hf.types import Candidate, Hypothesis, Linked, Mention, Question


class SearchedModel(Protocol):
    """What is asked of a model."""

    @property
    def knowledge_base(self) -> KnowledgeBase | None:
        """What is linked to."""

    @property
    def trie(self) -> WalkableTrie | None:
        """Of its names."""

    @property
    def allowed_concepts(self) -> frozenset[str] | None:
        """The concepts to which the model is restricted; None for all."""

    def questions(
        self, mentions: Sequence[Mention], context_tokens: int | None = None, search: Any = None
    ) -> list[Question]:
        """What a search reads of each mention."""

    def answer(
        self, questions: Sequence[Question], search: Search, top_k: int, batch_size: int = 32
    ) -> list[Sequence[Hypothesis]]:
        """The names that a search finds."""

    def candidate(self, hypothesis: Hypothesis) -> Candidate:
        """The name that a hypothesis writes, with its concepts."""


@dataclass(frozen=True, slots=True)
class RankedLinking:
    """Links mentions and ranks what was found.

    Args:
        ranker: of the names that are linked to.
    """

    ranker: Ranker

    def link(
        self,
        model: SearchedModel,
        mentions: Sequence[Mention],
        top_k: int,
        search: Search,
        batch_size: int,
        context_tokens: int | None,
    ) -> list[Linked]:
        """Link mentions, with one name for each concept; arguments as for `AngelForEntityLinking.link`.

        Args:
            model: whose names are the ranker's, and do not change meanwhile.
        """
        assert model.trie is not None, "a model with a ranker has names"
        masks = model.trie.masks
        part = None if masks is None else Part(masks[1], model.allowed_concepts)
        found = find(model, self.ranker, mentions, search, batch_size, context_tokens)
        return [
            Linked(mention, merge_candidates([_candidate(model, one) for one in ranked])[:top_k])
            for mention, ranked in zip(mentions, self.ranker.rank(found, part))
        ]


def find(
    model: SearchedModel,
    ranker: Ranker,
    mentions: Sequence[Mention],
    search: Search,
    batch_size: int = 32,
    context_tokens: int | None = None,
) -> list[Found]:
    """What the search finds for each mention in its text and, where that counts, by itself; see `RankedLinking`."""
    in_context = alone = model.questions(mentions, context_tokens, search)
    if ranker.ranking.weights.alone:
        alone = model.questions([Mention(one.surface, 0, len(one.surface)) for one in mentions], context_tokens, search)
    # Mentions by themselves repeat; each question is asked once.
    keys = [_key(question) for question in in_context]
    keys_alone = keys if alone is in_context else [_key(question) for question in alone]
    distinct = dict(zip((*keys, *keys_alone), (*in_context, *alone)))
    answers = model.answer(list(distinct.values()), search, search.num_beams, batch_size) if distinct else []
    scores = {key: {one.name_index: one.score for one in own} for key, own in zip(distinct, answers)}
    found = [Found(one.surface, scores[own], scores[other]) for one, own, other in zip(mentions, keys, keys_alone)]
    for mention, one in zip(mentions, found):
        check_finite(mention, (*one.in_context.values(), *one.alone.values()))
    return found


def _key(question: Question) -> Hashable:
    return tuple(question.source_ids), tuple(question.prefix_ids), tuple(question.surface_ids)


def check_finite(mention: Mention, scores: Iterable[float]) -> None:
    """Refuse scores that tell nothing.

    Raises:
        ValueError: one is no finite number.
    """
    if not all(math.isfinite(score) for score in scores):
        raise ValueError(
            f"the mention {mention.surface!r} got a score that is no finite number; the weights are damaged, or "
            "too coarse: fetch them again, or load with dtype=torch.float32"
        )


def _candidate(model: SearchedModel, ranked: Ranked) -> Candidate:
    found = model.candidate(Hypothesis((), ranked.score, (), ranked.entry))
    return replace(found, because=ranked.because)
