"""The names of each concept, and which of them are nearest to a string."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.text.reading import normalize
from angel_hf.training.ontologies import Synonyms


class ConceptNames:
    """The normalised names of each concept, and which of them are nearest to a string.

    Nearness is the cosine of TF-IDF vectors of 2 to 4 characters, fitted on the knowledge base's names; grams that
    reach over a space let "skin cancer" be nearer to "skin tumour" than "cancer skin" is.

    Args:
        knowledge_base: whose names are targets.
        synonyms: names of the same concepts in other ontologies, which are never targets.
        seed: decides between names that are equally near.
        weights: how often a name of each concept is drawn, next to names of other concepts; all alike where there are
            none.

    Attributes:
        names: the knowledge base's names of each concept, the preferred one first.
        surfaces: these, and after them the synonyms.
        definitions: of the concepts that have one.
    """

    def __init__(
        self,
        knowledge_base: KnowledgeBase,
        synonyms: Synonyms | None = None,
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.knowledge_base = knowledge_base
        self.seed = seed
        self.weights = weights or {}
        self.names: dict[str, tuple[str, ...]] = {
            concept.concept_id: tuple(
                dict.fromkeys(normalize(name, knowledge_base.normalization) for name in concept.names)
            )
            for concept in knowledge_base.concepts()
        }
        further = synonyms.names if synonyms else {}
        self.definitions = synonyms.definitions if synonyms else {}
        self.surfaces = {concept_id: names + further.get(concept_id, ()) for concept_id, names in self.names.items()}
        self._vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
        self._vectorizer.fit(name for names in self.names.values() for name in names)

    def cumulative_weights(self, concept_ids: Iterable[str]) -> list[float] | None:
        """Running sum of the weights of concepts, to draw names of them by; None where all weigh alike."""
        if not self.weights:
            return None
        return list(itertools.accumulate(self.weights[concept_id] for concept_id in concept_ids))

    def nearest(self, surface: str, concept_ids: Sequence[str], k: int) -> list[str]:
        """The k names of concepts nearest to a normalised surface, best first; the seed decides between ties."""
        names = list(dict.fromkeys(name for concept_id in concept_ids for name in self.names[concept_id]))
        similarity = (self._vectorizer.transform(names) @ self._vectorizer.transform([surface]).T).toarray()[:, 0]
        # By surface and concepts, so that a mention's targets do not depend on which mentions came before.
        rng = np.random.default_rng(
            [self.seed, zlib.crc32(surface.encode()), zlib.crc32("|".join(concept_ids).encode())]
        )
        order = np.lexsort((rng.permutation(len(names)), -similarity.round(6)))
        return [names[position] for position in order[:k]]

    def nearest_synonyms(self) -> dict[str, list[str | None]]:
        """For each surface of a concept, in their order, the nearest of its names that is not the surface itself.

        It is None for the only name of a concept, and concepts without a second surface are left out.
        """
        found: dict[str, list[str | None]] = {}
        several = {key: surfaces for key, surfaces in self.surfaces.items() if len(surfaces) > 1}
        vectors = self._vectorizer.transform([surface for surfaces in several.values() for surface in surfaces])
        start = 0
        for concept_id, surfaces in several.items():
            names = self.names[concept_id]
            rows = vectors[start : start + len(surfaces)]
            start += len(surfaces)
            similarity = (rows @ rows[: len(names)].T).toarray()
            np.fill_diagonal(similarity, -1.0)
            found[concept_id] = [names[position] for position in similarity.argmax(axis=1)]
            if len(names) == 1:
                found[concept_id][0] = None
        return found
