"""ANGEL models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from angel_hf import AngelForEntityLinking
from angel_hf.knowledge_base import KnowledgeBase
from angel_hf.types import Linked, Mention
from eval_harness.example import Asked, Example
from eval_harness.predictors.predictor import Predictor, ScoreKind, weights_sha256


class Angel(Predictor):
    """An ANGEL model under the trie of the names that it is given.

    Args:
        model: the name of an embedded model, a directory or a Hub repository.
        num_beams: width of the search, and most candidates for each mention.
        batch_size: mentions that go through the model together.
        name: what the reports call it.
    """

    kind: ClassVar[str] = "angel"
    score_kind: ClassVar[ScoreKind] = "log-probability"

    def __init__(
        self, model: str = "angel-mini", num_beams: int = 10, batch_size: int = 32, name: str = "angel"
    ) -> None:
        self.model = model
        self.num_beams = num_beams
        self.batch_size = batch_size
        self.label = name
        self.linker = AngelForEntityLinking.from_pretrained(model).eval()

    @property
    def name(self) -> str:
        """As it was given."""
        return self.label

    @property
    def parameters(self) -> dict[str, str | int | float]:
        """The width of the search, the weights and the tokenizer."""
        processor = self.linker.processor
        return {
            "num_beams": self.num_beams,
            "weights": weights_sha256(self.linker.state_dict()),
            "tokenizer": "" if processor is None else processor.fingerprint,
        }

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], asked: Sequence[Asked]) -> None:
        """Swap the knowledge base; what the model has learned is its own affair."""
        self.linker.set_knowledge_base(knowledge_base)

    def predict(self, mentions: Sequence[Mention]) -> list[Linked]:
        """Names by their mean log-probability."""
        return self.linker.link(mentions, top_k=self.num_beams, num_beams=self.num_beams, batch_size=self.batch_size)
