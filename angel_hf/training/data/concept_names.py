"""The names of each concept, and which of them are nearest to a string."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.text.reading import normalize


class ConceptNames:
    """The normalised names of each concept, and which of them are nearest to a string.

    Nearness is the cosine of TF-IDF vectors of 2 to 4 characters, fitted on the knowledge base's names; grams that
    span a space let "skin cancer" be nearer to "skin tumour" than "cancer skin" is.

    Args:
        knowledge_base: whose names are targets.
        synonyms: concept id -> its names in other ontologies, from `join_ontologies`; they are never targets.
        seed: breaks ties between equally near names.
        weights: how often a name of each concept is drawn, relative to names of other concepts; equal if absent.

    Attributes:
        names: concept id -> the knowledge base's names, the preferred one first.
        surfaces: concept id -> these, then the synonyms.
    """

    def __init__(
        self,
        knowledge_base: KnowledgeBase,
        synonyms: Mapping[str, Sequence[str]] | None = None,
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
        further = synonyms or {}
        self.surfaces = {key: (*names, *further.get(key, ())) for key, names in self.names.items()}
        self._vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
        self._vectorizer.fit(name for names in self.names.values() for name in names)

    def cumulative_weights(self, concept_ids: Iterable[str]) -> list[float] | None:
        """Running sum of the weights of concepts, for drawing their names; None if all weigh alike."""
        if not self.weights:
            return None
        return list(itertools.accumulate(self.weights[concept_id] for concept_id in concept_ids))

    def nearest(self, surface: str, concept_ids: Sequence[str], k: int) -> list[str]:
        """The k names of concepts nearest to a normalised surface, best first; the seed breaks ties."""
        names = list(dict.fromkeys(name for concept_id in concept_ids for name in self.names[concept_id]))
        similarity = (self._vectorizer.transform(names) @ self._vectorizer.transform([surface]).T).toarray()[:, 0]
        # Seeded by surface and concepts: a mention's targets do not depend on the mentions before it.
        rng = np.random.default_rng(
            [self.seed, zlib.crc32(surface.encode()), zlib.crc32("|".join(concept_ids).encode())]
        )
        order = np.lexsort((rng.permutation(len(names)), -similarity.round(6)))
        return [names[position] for position in order[:k]]

    def nearest_synonyms(self) -> dict[str, list[str | None]]:
        """Concept id -> for each of its surfaces, in order, the nearest of its names other than the surface itself.

        None for the only name of a concept; concepts with one surface are left out.
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
