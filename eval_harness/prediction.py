"""A mention with its answer, judged: the row that every number of a report comes from."""

from __future__ import annotations

from dataclasses import dataclass

from angel_hf.types import Candidate, Linked
from eval_harness.example import Example
from eval_harness.flags import Flags
from eval_harness.metrics.entity_linking.ranks import average_precision
from eval_harness.predictors.predictor import ScoreKind, confidence
from eval_harness.protocol import gold_parts
from eval_harness.task import Task

_CONTEXT = 200  # characters kept on either side of a mention, for readers of errors


@dataclass(frozen=True, slots=True)
class Prediction:
    """A mention, what is right, and what a predictor answered.

    Args:
        fold: of the benchmark, or "".
        document_id: of its document.
        start: offset of its first character in the document's text, in code points.
        end: offset after the last.
        mention: as the predictor read it.
        released: as the corpus spells it, if different.
        left: text before it, cut.
        right: text after it, cut.
        semantic_types: as the corpus annotates them.
        gold: as in Example.
        gold_in_knowledge_base: the same as the knowledge base knows it, sorted within each part.
        gold_names: the preferred name of each of `gold_concepts`, or "" for one that the knowledge base lacks.
        flags: what kind of mention it is.
        candidates: best first; none where the predictor gave none.
        rank: where they answer it under the protocol, from 1, or None.
        average_precision: 0 to 1, of the concepts that count under the protocol.
        confidence: of the first candidate, by its score; 0 without one.
    """

    fold: str
    document_id: str
    start: int
    end: int
    mention: str
    released: str
    left: str
    right: str
    semantic_types: tuple[str, ...]
    gold: tuple[tuple[str, ...], ...]
    gold_in_knowledge_base: tuple[tuple[str, ...], ...]
    gold_names: tuple[str, ...]
    flags: Flags
    candidates: tuple[Candidate, ...]
    rank: int | None
    average_precision: float
    confidence: float

    @property
    def gold_concepts(self) -> tuple[str, ...]:
        """The concepts of all parts as the knowledge base knows them, each once, sorted."""
        return tuple(sorted({one for part in self.gold_in_knowledge_base for one in part}))

    @property
    def key(self) -> tuple[str, str, int, int]:
        """Fold, document and offsets, which identify the mention."""
        return self.fold, self.document_id, self.start, self.end


def judge(example: Example, flags: Flags, linked: Linked, task: Task, score_kind: ScoreKind) -> Prediction:
    """Score an answer under the task's protocol."""
    mention, knowledge_base = example.mention, task.knowledge_base
    parts = gold_parts(example, knowledge_base)
    gold = sorted(frozenset().union(*parts))
    counted = [task.protocol.counted_concepts(one, mention.surface) for one in linked.candidates]
    best = linked.best
    return Prediction(
        fold=task.fold,
        document_id=example.document_id,
        start=mention.start,
        end=mention.end,
        mention=mention.surface,
        released=example.released,
        left=mention.text[max(0, mention.start - _CONTEXT) : mention.start],
        right=mention.text[mention.end : mention.end + _CONTEXT],
        semantic_types=example.semantic_types,
        gold=example.gold,
        gold_in_knowledge_base=tuple(tuple(sorted(part)) for part in parts),
        gold_names=tuple(knowledge_base.concept(one).names[0] if knowledge_base.resolve(one) else "" for one in gold),
        flags=flags,
        candidates=linked.candidates,
        rank=task.protocol.rank(linked.candidates, mention.surface, parts),
        average_precision=average_precision(counted, gold),
        confidence=0.0 if best is None else confidence(best.score, score_kind),
    )
