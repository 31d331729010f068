"""What the harness asks of a linker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

from angel_hf.knowledge_base import KnowledgeBase
from angel_hf.types import Linked, Mention
from eval_harness.benchmark import Example


class Predictor(ABC):
    """Ranks names of a knowledge base for mentions.

    Attributes:
        name: what the command line and the reports call it.
    """

    name: ClassVar[str]

    @abstractmethod
    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example]) -> None:
        """Link to this knowledge base from now on; `training` are the examples that may be learned from."""

    @abstractmethod
    def predict(self, mentions: Sequence[Mention]) -> Iterable[Linked]:
        """Candidates for mentions, best first; mentions may be left out, which counts as wrong."""
