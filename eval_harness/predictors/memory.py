"""The floor that the training mentions alone reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.text.reading import normalize
from angel_hf.types import Candidate, Linked, Mention
from eval_harness.example import Example, Query
from eval_harness.predictors.predictor import Predictor, ScoreKind
from eval_harness.protocol import gold_concepts


class Memory(Predictor):
    """The concepts that the mention's string had in training, the most frequent first."""

    kind: ClassVar[str] = "memory"
    score_kind: ClassVar[ScoreKind] = "probability"

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        """Remember the strings, normalised as the knowledge base's names are, with their concepts."""
        self.normalization = knowledge_base.normalization
        self.seen: dict[str, Counter[str]] = {}
        for example in training:
            string = normalize(example.mention.surface, self.normalization)
            self.seen.setdefault(string, Counter()).update(sorted(gold_concepts(example, knowledge_base)))

    def predict(self, mentions: Sequence[Mention]) -> Iterator[Linked]:
        """One candidate for each concept; score is the concept's share, and the name is the string itself."""
        for mention in mentions:
            string = normalize(mention.surface, self.normalization)
            if string in self.seen:
                counts = self.seen[string].most_common()
                total = self.seen[string].total()
                yield Linked(mention, tuple(Candidate(string, (concept,), count / total) for concept, count in counts))
