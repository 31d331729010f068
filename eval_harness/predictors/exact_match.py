"""The floor that a dictionary alone reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Candidate, Linked, Mention
from eval_harness.example import Example, Query
from eval_harness.predictors.predictor import Predictor, ScoreKind


class ExactMatch(Predictor):
    """The name that equals the mention's string, both normalised as the knowledge base has it."""

    kind: ClassVar[str] = "exact"
    score_kind: ClassVar[ScoreKind] = "similarity"

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        """Take the knowledge base; nothing is learned from `training`."""
        self.knowledge_base = knowledge_base

    def predict(self, mentions: Sequence[Mention]) -> Iterator[Linked]:
        """One candidate at most, at score 1."""
        for mention in mentions:
            entry = self.knowledge_base.find(mention.surface)
            if entry is not None:
                name, concept_ids = self.knowledge_base.entry_name(entry), self.knowledge_base.entry_concept_ids(entry)
                yield Linked(mention, (Candidate(name, concept_ids, 1.0),))
