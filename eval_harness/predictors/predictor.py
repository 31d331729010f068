"""The interface of a linker to the harness."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

from torch import Tensor, uint8

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Linked, Mention
from eval_harness.example import Example, Query

ScoreKind = Literal["log-probability", "probability", "similarity"]


class Predictor(ABC):
    """Ranks names of a knowledge base for mentions.

    Attributes:
        kind: what the command line calls it.
        name: what the reports call it; prediction files are named after it.
        score_kind: what a candidate's score is; only probabilities are calibrated or not.
        identity: everything beside the task that decides about its answers, so that stored answers are recognised.
    """

    kind: ClassVar[str]
    score_kind: ClassVar[ScoreKind]

    @property
    def name(self) -> str:
        """The kind, unless names distinguish several of a kind."""
        return self.kind

    @property
    def identity(self) -> str:
        """The kind and its parameters."""
        return f"{self.kind} {sorted(self.parameters.items())}"

    @property
    def parameters(self) -> dict[str, str | int | float]:
        """The parameters that decide about answers; `prepare` does not change them."""
        return {}

    def of_fold(self, fold: str) -> Predictor:
        """The predictor of a fold of the benchmark: itself, unless each fold has its own."""
        return self

    @abstractmethod
    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        """Link to this knowledge base from now on.

        Args:
            knowledge_base: the only names and concepts that count.
            training: the examples that may be learned from.
            queries: all mentions; some of them may not be passed to `predict`.
        """

    @abstractmethod
    def predict(self, mentions: Sequence[Mention]) -> Iterable[Linked]:
        """Candidates for mentions, best first; mentions may be left out, which counts as wrong."""


def weights_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Hexadecimal SHA-256 of a model's weights, which distinguishes two checkpoints at one place."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(uint8).numpy().data)
    return digest.hexdigest()


def confidence(score: float, kind: ScoreKind) -> float:
    """A score as a number that is 1 for certainty: exp of a log-probability, any other as it is."""
    return math.exp(score) if kind == "log-probability" else score
