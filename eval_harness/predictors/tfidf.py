"""The floor that the letters of names reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from angel_hf.knowledge_base import KnowledgeBase
from angel_hf.normalization import normalize
from angel_hf.types import Candidate, Linked, Mention
from eval_harness.benchmark import Example
from eval_harness.predictors.predictor import Predictor


class CharacterTfidf(Predictor):
    """Names by the cosine of TF-IDF vectors of character trigrams.

    Args:
        top_k: most candidates for each mention.
        block_size: mentions that are compared with all names at once.
    """

    name = "tfidf"

    def __init__(self, top_k: int = 10, block_size: int = 64) -> None:
        self.top_k = top_k
        self.block_size = block_size

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example]) -> None:
        """Fit the weights on the names; nothing is learned from `training`."""
        self.knowledge_base = knowledge_base
        self.vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32)
        self.names = self.vectorizer.fit_transform(knowledge_base.entry_names()).T.tocsr()

    def predict(self, mentions: Sequence[Mention]) -> Iterator[Linked]:
        """The nearest names; score is the cosine, and names that share no trigram are left out."""
        strings = [normalize(mention.surface, self.knowledge_base.normalization) for mention in mentions]
        distinct = list(dict.fromkeys(strings))
        nearest = dict(zip(distinct, self._nearest(distinct)))
        for mention, string in zip(mentions, strings):
            yield Linked(mention, nearest[string])

    def _nearest(self, strings: list[str]) -> Iterator[tuple[Candidate, ...]]:
        for first in range(0, len(strings), self.block_size):
            cosines = self.vectorizer.transform(strings[first : first + self.block_size]) @ self.names
            for begin, end in zip(cosines.indptr, cosines.indptr[1:]):
                best = _best(cosines.indices[begin:end], cosines.data[begin:end], self.top_k)
                yield tuple(self._candidate(entry, cosine) for entry, cosine in best)

    def _candidate(self, entry: int, cosine: float) -> Candidate:
        return Candidate(
            self.knowledge_base.entry_name(entry), self.knowledge_base.entry_concept_ids(entry), round(cosine, 6)
        )


def _best(entries: np.ndarray, scores: np.ndarray, k: int) -> list[tuple[int, float]]:
    """The k highest scores with their entries; of equal scores the earlier entry comes first."""
    if len(scores) > k:
        high = scores >= np.partition(scores, -k)[-k]
        entries, scores = entries[high], scores[high]
    order = np.lexsort((entries, -scores))[:k]
    return list(zip(entries[order].tolist(), scores[order].tolist()))
