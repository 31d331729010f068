"""The floor that the words of names reach."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.text.reading import normalize
from angel_hf.types import Candidate, Linked, Mention
from eval_harness.example import Example, Query
from eval_harness.predictors.best_entries import best_candidates
from eval_harness.predictors.predictor import Predictor, ScoreKind


class Bm25(Predictor):
    """Names by BM25 over their words, as Lucene computes it (Robertson and Zaragoza 2009); needs `bm25s`.

    Args:
        top_k: most candidates for each mention.
        k1: how slowly repeated words saturate.
        b: how much long names are penalised.
    """

    kind: ClassVar[str] = "bm25"
    score_kind: ClassVar[ScoreKind] = "similarity"

    def __init__(self, top_k: int = 10, k1: float = 1.2, b: float = 0.75) -> None:
        self.top_k, self.k1, self.b = top_k, k1, b
        try:
            self._bm25s = importlib.import_module("bm25s")
        except ImportError as error:
            raise ImportError("the predictor bm25 needs: pip install 'angel-hf[eval]'") from error

    @property
    def parameters(self) -> dict[str, str | int | float]:
        """The number of candidates, and BM25's k1 and b."""
        return {"top_k": self.top_k, "k1": self.k1, "b": self.b}

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        """Index the names; nothing is learned from `training`."""
        self.knowledge_base = knowledge_base
        names = [name.split() for name in knowledge_base.entry_names()]
        self.index = self._bm25s.BM25(method="lucene", k1=self.k1, b=self.b)
        self.index.index(names, show_progress=False)
        self.words = {word for name in names for word in name}
        self.found: dict[str, tuple[Candidate, ...]] = {}

    def predict(self, mentions: Sequence[Mention]) -> Iterator[Linked]:
        """Names that share a word, by their score."""
        for mention in mentions:
            string = normalize(mention.surface, self.knowledge_base.normalization)
            if string not in self.found:
                self.found[string] = self._rank(string)
            yield Linked(mention, self.found[string])

    def _rank(self, string: str) -> tuple[Candidate, ...]:
        words = [word for word in string.split() if word in self.words]
        if not words:
            return ()
        scores = self.index.get_scores(words)
        entries = np.flatnonzero(scores > 0)
        return best_candidates(self.knowledge_base, entries, scores[entries], self.top_k)
