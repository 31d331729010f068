"""A ranking at work on the names of one knowledge base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.ranking.memory import spelling
from angel_hf.ranking.ranking import Ranking
from angel_hf.ranking.string_index import Comparison, StringIndex, index_of
from angel_hf.ranking.subwords import SubwordEncoder

MOST_NAMES = 200_000
"""Of a knowledge base whose names are compared with mentions: their vectors are made in each process, which takes about
30 microseconds of CPU time a name."""

STAGES = ("context", "alone", "similarity", "memory", "exact")
"""What a candidate has a value of; see `Values`."""

_LEAST_SCORE = -4.0
_NEARLY_ONE = 0.99
_WORST = np.array([_LEAST_SCORE, _LEAST_SCORE, -1, -1, -1])


@dataclass(frozen=True, slots=True)
class Found:
    """A mention with what the search found for it.

    Args:
        surface: as it was read, abbreviations written out.
        in_context, alone: the score of each name that was found, by entry: of the mention in its text, and by itself.
    """

    surface: str
    in_context: Mapping[int, float]
    alone: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a knowledge base to which a model is restricted.

    Args:
        entries: the names that may be answered: bool [entries].
        concept_ids: the concepts; what the stages know of others counts nothing. None: those of the names.
    """

    entries: np.ndarray
    concept_ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """The candidates of a mention with what each stage says of them.

    Args:
        entries: of the knowledge base, in the order in which they were proposed: int64 [n].
        values: float64 [n, len(STAGES)]; 0 is the best of a stage. The search's scores are mean log-probabilities,
            from -4, which stands for names that it did not find; the other stages are between -1 and 0.
    """

    entries: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate after all stages.

    Args:
        entry: of the knowledge base.
        score: natural logarithm of its share of the mention: of exp(weighted values) among those of all candidates.
        because: the one of STAGES that put it first, "" of all but the first.
    """

    entry: int
    score: float
    because: str = ""


class Ranker:
    """Ranks what a search found among the names of a knowledge base.

    Args:
        ranking: the weights, the memory and the encoder.
        knowledge_base: of the names.
    """

    def __init__(self, ranking: Ranking, knowledge_base: KnowledgeBase) -> None:
        self.ranking = ranking
        self.knowledge_base = knowledge_base

    def rank(self, found: Sequence[Found], part: Part | None = None) -> list[list[Ranked]]:
        """All candidates of each mention, best first; of equal ones the search's own order holds.

        What a user told of a mention comes before all else.

        Args:
            found: by the search, a mention each; an answer does not depend on the others.
            part: what may be proposed; None: all.
        """
        return [self._ranked(one, candidates, part) for one, candidates in zip(found, self.values(found, part))]

    def _ranked(self, found: Found, candidates: Values, part: Part | None) -> list[Ranked]:
        if not len(candidates.entries):
            return []
        weights = self.ranking.weights.of_stages()
        scores = candidates.values @ weights
        is_told = self._told(found, candidates, part)
        if is_told.any():
            # More than all stages together can take away.
            scores -= np.where(is_told, 0, float(np.abs(_WORST) @ np.abs(weights)) + 1)
        order = np.argsort(-scores, kind="stable")
        shares = scores - np.logaddexp.reduce(scores)
        ranked = [Ranked(int(candidates.entries[place]), float(shares[place])) for place in order]
        first = int(order[0])
        because = "memory" if is_told[first] else _reason(found, candidates, first, weights)
        return [Ranked(ranked[0].entry, ranked[0].score, because), *ranked[1:]]

    def values(self, found: Sequence[Found], part: Part | None = None) -> Iterator[Values]:
        """The candidates of each mention with what each stage says of them; arguments as for `rank`."""
        strings = [spelling(one.surface) for one in found]
        encoder = self.ranking.encoder
        names = _index_of(self.knowledge_base, encoder).compare(strings)
        remembered = self.ranking.memory.compare(strings, encoder)
        for one, own, memory in zip(found, names, remembered):
            yield self._values(one, own, self._remembered(memory, part), part)

    def _values(self, found: Found, names: Comparison, remembered: Mapping[str, float], part: Part | None) -> Values:
        allowed = None if part is None else part.entries
        proposed = names.nearest(self.ranking.proposals, allowed).tolist()
        known = [entry for entry in map(self._preferred, remembered) if allowed is None or allowed[entry]]
        entries = np.array(list(dict.fromkeys([*found.in_context, *found.alone, *proposed, *known])), dtype=np.int64)
        string = spelling(found.surface)
        values = np.empty((len(entries), len(STAGES)))
        for row, (entry, cosine) in enumerate(zip(entries.tolist(), names.cosines(entries).tolist())):
            concepts = _within(part, self.knowledge_base.entry_concept_ids(entry))
            values[row] = (
                max(found.in_context.get(entry, _LEAST_SCORE), _LEAST_SCORE),
                max(found.alone.get(entry, _LEAST_SCORE), _LEAST_SCORE),
                max(cosine, 0.0) - 1,
                max((remembered.get(one, 0.0) for one in concepts), default=0.0) - 1,
                float(len(concepts) == 1 and self._is_exact(string, entry, cosine)) - 1,
            )
        return Values(entries, values)

    def _told(self, found: Found, candidates: Values, part: Part | None) -> np.ndarray:
        """Which candidates a user told of the mention: bool [candidates]."""
        memory = self.ranking.memory
        if not memory.told or (string := spelling(found.surface)) not in memory.told:
            return np.zeros(len(candidates.entries), dtype=bool)
        ids = {self.knowledge_base.resolve(one) for one in memory.counts[string]}
        own = (_within(part, self.knowledge_base.entry_concept_ids(one)) for one in candidates.entries.tolist())
        return np.array([not ids.isdisjoint(concepts) for concepts in own], dtype=bool)

    def _is_exact(self, string: str, entry: int, cosine: float) -> bool:
        """Whether a name is spelled as the mention; what is spelled alike has a cosine of 1."""
        return cosine > _NEARLY_ONE and spelling(self.knowledge_base.entry_name(entry)) == string

    def _remembered(self, compared: Comparison, part: Part | None) -> dict[str, float]:
        """The similarity of remembered mentions, by the concepts as they are called here; unknown ones left out."""
        found: dict[str, float] = {}
        for concept_id, similarity in self.ranking.memory.similarities(compared, self.ranking.neighbours).items():
            resolved = self.knowledge_base.resolve(concept_id)
            for known in () if resolved is None else _within(part, (resolved,)):
                found[known] = max(similarity, found.get(known, 0.0))
        return found

    def _preferred(self, concept_id: str) -> int:
        """The entry of a concept's preferred name."""
        tables, concept = self.knowledge_base.tables, self.knowledge_base.position_by_id[concept_id]
        name = int(tables["concept_preferred"][concept])
        return int(np.searchsorted(tables["entry_offsets"], name, side="right")) - 1


def _reason(found: Found, candidates: Values, first: int, weights: np.ndarray) -> str:
    """The one of STAGES that put a candidate first: by which it leads most over the best in context.

    Args:
        found: by the search.
        candidates: with the values of all stages.
        first: the row of the candidate.
        weights: float64 [stages].
    """
    if candidates.entries[first] in _best(found.in_context):
        return STAGES[0]
    searched = candidates.values[np.argmax(candidates.values[:, 0])] if found.in_context else _WORST
    lead = candidates.values[first] - searched
    # Where no stage counts that tells the two apart, that for which it is a candidate.
    weighed = lead * weights
    return STAGES[int(np.argmax(weighed if weighed.any() else lead))]


def _within(part: Part | None, concept_ids: Sequence[str]) -> Sequence[str]:
    """Those concepts that may be answered."""
    if part is None or part.concept_ids is None:
        return concept_ids
    return [one for one in concept_ids if one in part.concept_ids]


def _best(scores: Mapping[int, float]) -> set[int]:
    """The entries of the highest score."""
    highest = max(scores.values(), default=0.0)
    return {entry for entry, score in scores.items() if score == highest}


_INDEXES: WeakKeyDictionary[KnowledgeBase, dict[str, StringIndex]] = WeakKeyDictionary()
_INDEXES_LOCK = Lock()


def _index_of(knowledge_base: KnowledgeBase, encoder: SubwordEncoder | None) -> StringIndex:
    """The names of a knowledge base for comparison, by an encoder's digest, kept as long as the knowledge base is."""
    key = "" if encoder is None else encoder.digest
    with _INDEXES_LOCK:
        own = _INDEXES.setdefault(knowledge_base, {})
        if key not in own:
            own[key] = index_of(map(spelling, knowledge_base.entry_names()), encoder)
        return own[key]
