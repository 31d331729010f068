"""From a predictor's answers to accuracies; here a mention without an answer becomes a wrong one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from angel_hf.types import Linked
from eval_harness.benchmark import Example
from eval_harness.metrics import AT, accuracy_at, accuracy_over_groups_at
from eval_harness.predictors.predictor import Predictor
from eval_harness.protocol import Protocol, gold_concepts
from eval_harness.task import Task

Progress = Callable[[str], None]

_BLOCK = 320  # mentions between two reports of progress: ten batches of the usual size


@dataclass(frozen=True, slots=True)
class Prediction:
    """An example with its answer.

    Args:
        example: what was asked.
        gold: its concepts as the knowledge base knows them.
        linked: the answer; without candidates where the predictor gave none.
        rank: place of the first right candidate, from 1, or None.
    """

    example: Example
    gold: frozenset[str]
    linked: Linked
    rank: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """What one predictor reached under one protocol.

    Args:
        predictor: its name.
        protocol: with all its parameters.
        mentions: how many were asked.
        unanswered: how many got no candidate, and count as wrong.
        gold_not_in_knowledge_base: how many have no concept there, and cannot be answered.
        accuracy_at: percent, by k.
        distinct: number of distinct pairs of lowercased mention string and gold concepts.
        distinct_accuracy_at: percent, by k; each pair weighs the same, however often it occurs.
        seconds: spent in the predictor, preparation included.
    """

    predictor: str
    protocol: Protocol
    mentions: int
    unanswered: int
    gold_not_in_knowledge_base: int
    accuracy_at: dict[int, float]
    distinct: int
    distinct_accuracy_at: dict[int, float]
    seconds: float


def evaluate(predictor: Predictor, task: Task, progress: Progress = lambda _: None) -> tuple[Result, list[Prediction]]:
    """Prepare a predictor, ask it every mention of a task, and score.

    Raises:
        ValueError: the predictor answered a mention that was not asked.
    """
    start = time.perf_counter()
    predictor.prepare(task.knowledge_base, task.training)
    answers: list[Linked] = []
    for first in range(0, len(task.examples), _BLOCK):
        answers += _ask(predictor, task.examples[first : first + _BLOCK])
        progress(f"{task.protocol.name}, {predictor.name}: {len(answers)} of {len(task.examples)} mentions")
    seconds = time.perf_counter() - start
    predictions = [_judge(example, linked, task) for example, linked in zip(task.examples, answers, strict=True)]
    return _score(predictor, task, predictions, seconds), predictions


def _ask(predictor: Predictor, examples: Sequence[Example]) -> list[Linked]:
    """One answer for each example; where the predictor stays silent, one without candidates."""
    mentions = [example.mention for example in examples]
    answers = {linked.mention: linked for linked in predictor.predict(mentions)}
    if strange := answers.keys() - set(mentions):
        raise ValueError(
            f"predictor {predictor.name} answered {len(strange)} mentions that it was not asked, among them "
            f"{strange.pop().surface!r}; expected answers to the mentions given to predict()"
        )
    return [answers.get(mention, Linked(mention, ())) for mention in mentions]


def _judge(example: Example, linked: Linked, task: Task) -> Prediction:
    gold = gold_concepts(example, task.knowledge_base)
    right = (rank for rank, candidate in enumerate(linked.candidates, 1) if task.protocol.is_right(candidate, gold))
    return Prediction(example, gold, linked, next(right, None))


def _score(predictor: Predictor, task: Task, predictions: Sequence[Prediction], seconds: float) -> Result:
    ranks = [prediction.rank for prediction in predictions]
    pairs = [(prediction.example.mention.surface.lower(), prediction.gold) for prediction in predictions]
    known = task.knowledge_base.resolve
    return Result(
        predictor=predictor.name,
        protocol=task.protocol,
        mentions=len(predictions),
        unanswered=sum(not prediction.linked.candidates for prediction in predictions),
        gold_not_in_knowledge_base=sum(not any(map(known, prediction.gold)) for prediction in predictions),
        accuracy_at={k: accuracy_at(k, ranks) for k in AT},
        distinct=len(set(pairs)),
        distinct_accuracy_at={k: accuracy_over_groups_at(k, ranks, pairs) for k in AT},
        seconds=seconds,
    )
