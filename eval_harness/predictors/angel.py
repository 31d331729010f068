"""ANGEL models."""

from __future__ import annotations

from collections.abc import Sequence

from angel_hf import AngelForEntityLinking
from angel_hf.knowledge_base import KnowledgeBase
from angel_hf.types import Linked, Mention
from eval_harness.benchmark import Example
from eval_harness.predictors.predictor import Predictor


class Angel(Predictor):
    """An ANGEL model under the trie of the names that it is given.

    Args:
        model: the name of an embedded model, a directory or a Hub repository.
        num_beams: width of the search, and most candidates for each mention.
        batch_size: mentions that go through the model together.
    """

    name = "angel"

    def __init__(self, model: str = "angel-mini", num_beams: int = 10, batch_size: int = 32) -> None:
        self.model = AngelForEntityLinking.from_pretrained(model).eval()
        self.num_beams = num_beams
        self.batch_size = batch_size

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example]) -> None:
        """Swap the knowledge base; what the model has learned is its own affair."""
        self.model.set_knowledge_base(knowledge_base)

    def predict(self, mentions: Sequence[Mention]) -> list[Linked]:
        """Names by their mean log-probability."""
        return self.model.link(mentions, top_k=self.num_beams, num_beams=self.num_beams, batch_size=self.batch_size)
