"""The floor that the letters of names reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from sklearn.feature_extraction.text import TfidfVectorizer

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Candidate, Linked, Mention
from eval_harness.example import Example, Query
from eval_harness.predictors.best_entries import best_candidates, link_spellings
from eval_harness.predictors.predictor import Predictor, ScoreKind


class CharacterTfidf(Predictor):
    """Names by the cosine of TF-IDF vectors of character trigrams, scispaCy's way without its approximation.

    Args:
        top_k: most candidates for each mention.
        block_size: mentions that are compared with all names at once.
    """

    kind: ClassVar[str] = "tfidf"
    score_kind: ClassVar[ScoreKind] = "similarity"

    def __init__(self, top_k: int = 10, block_size: int = 64) -> None:
        self.top_k = top_k
        self.block_size = block_size

    @property
    def parameters(self) -> dict[str, str | int | float]:
        """The number of candidates."""
        return {"top_k": self.top_k}

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        """Fit the weights on the names; nothing is learned from `training`."""
        self.knowledge_base = knowledge_base
        # Weights in double precision: vectors with the same trigrams must have the same length.
        self.vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3))
        self.names = self.vectorizer.fit_transform(knowledge_base.entry_names()).T.tocsr()

    def predict(self, mentions: Sequence[Mention]) -> Iterator[Linked]:
        """The nearest names; score is the cosine, and names that share no trigram are left out."""
        return link_spellings(self.knowledge_base, mentions, self._nearest)

    def _nearest(self, strings: list[str]) -> Iterator[tuple[Candidate, ...]]:
        for first in range(0, len(strings), self.block_size):
            cosines = self.vectorizer.transform(strings[first : first + self.block_size]) @ self.names
            for begin, end in zip(cosines.indptr, cosines.indptr[1:]):
                entries, scores = cosines.indices[begin:end], cosines.data[begin:end].round(6)
                yield best_candidates(self.knowledge_base, entries, scores, self.top_k)
