"""ANGEL models."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from angel_hf import AngelForEntityLinking
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.search import BeamSearch, VerbatimFirst
from angel_hf.search.batches import Search
from angel_hf.types import Linked, Mention
from eval_harness.example import Example, Query
from eval_harness.predictors.predictor import Predictor, ScoreKind, weights_sha256

_FOLD = "{fold}"


class Angel(Predictor):
    """An ANGEL model under the trie of the names that it is given.

    Args:
        model: the name of an embedded model, a directory or a Hub repository; with "{fold}" in it, one for each fold
            of the benchmark, which was trained on what that fold allows.
        num_beams: width of the search, and most candidates for each mention.
        batch_size: mentions that go through the model together.
        name: what the reports call it.
        folds: of the benchmark, where the model has "{fold}" in it.
    """

    kind: ClassVar[str] = "angel"
    score_kind: ClassVar[ScoreKind] = "log-probability"
    is_ranked: ClassVar[bool] = False

    def __init__(
        self,
        model: str = "angel-mini",
        num_beams: int = 10,
        batch_size: int = 32,
        name: str = "angel",
        folds: Sequence[str] = ("",),
    ) -> None:
        self.model = model
        self.num_beams = num_beams
        self.batch_size = batch_size
        self.label = name
        self.folds = tuple(folds)

    @property
    def name(self) -> str:
        """As it was given."""
        return self.label

    @property
    def search(self) -> Search:
        """The published search."""
        return BeamSearch(self.num_beams)

    @property
    def is_of_folds(self) -> bool:
        """Whether each fold has its own model."""
        return _FOLD in self.model

    def of_fold(self, fold: str) -> Angel:
        """Itself, or the model of a fold."""
        if not self.is_of_folds:
            return self
        return type(self)(self.model.replace(_FOLD, fold), self.num_beams, self.batch_size, self.label)

    @cached_property
    def linker(self) -> AngelForEntityLinking:
        """The model, loaded at its first use."""
        return AngelForEntityLinking.from_pretrained(self.model).eval()

    @property
    def parameters(self) -> dict[str, str | int | float]:
        """The width of the search, the weights and the tokenizer; of the models of folds, a digest of theirs."""
        if self.is_of_folds:
            return {"num_beams": self.num_beams, "models": self._digest_of_folds}
        processor = self.linker.processor
        return {
            "num_beams": self.num_beams,
            "weights": weights_sha256(self.linker.state_dict()),
            "tokenizer": "" if processor is None else processor.fingerprint,
        }

    @cached_property
    def _digest_of_folds(self) -> str:
        # One after another: ten large models do not fit into memory together.
        models = [sorted(self.of_fold(fold).parameters.items()) for fold in self.folds]
        return hashlib.sha256(repr(models).encode()).hexdigest()

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        """Swap the knowledge base; `training` is not used, since the model is trained."""
        self.linker.set_knowledge_base(knowledge_base)

    def predict(self, mentions: Sequence[Mention]) -> list[Linked]:
        """Names by their mean log-probability."""
        return self.linker.link(mentions, self.num_beams, self.search, self.batch_size, ranked=self.is_ranked)


class AngelVerbatim(Angel):
    """The same, with a name that is spelled as the mention before all others; see `VerbatimFirst`."""

    kind: ClassVar[str] = "angel-verbatim"

    @property
    def search(self) -> Search:
        """Beams, after the name that is spelled."""
        return VerbatimFirst(BeamSearch(self.num_beams))


class AngelRanked(Angel):
    """The same, with the ranking stages that the model carries."""

    kind: ClassVar[str] = "angel-ranked"
    is_ranked: ClassVar[bool] = True

    @property
    def parameters(self) -> dict[str, str | int | float]:
        """Those of the model, with a digest of its ranking."""
        if self.is_of_folds:
            return super().parameters
        ranking = self.linker.ranking
        return super().parameters | {"ranking": "" if ranking is None else ranking.digest}
