"""Answers of a predictor to every mention of a task; here a mention without an answer becomes a wrong one.

Answers are stored block by block, so that an interrupted run resumes.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from angel_hf.types import Linked
from eval_harness.example import Example
from eval_harness.flags import Flags
from eval_harness.prediction import Prediction, judge
from eval_harness.prediction_file import Origin, read_origin, read_predictions, write_predictions
from eval_harness.prediction_schema import PREDICTION_SCHEMA
from eval_harness.predictors.predictor import Predictor
from eval_harness.task import Task

Progress = Callable[[str], None]

_BLOCK = 1024  # mentions between two reports of progress, and the most that an interruption loses


@dataclass(frozen=True, slots=True)
class Answers:
    """A predictor's judged answers to a task.

    Args:
        predictions: one for each example, in order.
        seconds: spent in the predictor in this run, preparation included; stored answers add none.
    """

    predictions: list[Prediction]
    seconds: float


def identify(predictor: Predictor, fingerprints: Sequence[str]) -> str:
    """SHA-256 of a predictor with its parameters and of its tasks: equal where the answers must be."""
    parts = [",".join(PREDICTION_SCHEMA.names), predictor.identity, *fingerprints]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def answer_task(
    predictor: Predictor,
    task: Task,
    flags: Sequence[Flags],
    parts: Path,
    origin: Origin,
    progress: Progress = lambda _: None,
) -> Answers:
    """Prepare a predictor, let it answer every mention of a task, and judge.

    Args:
        predictor: what answers.
        task: the mentions, with what may be learned from.
        flags: of its examples.
        parts: directory of finished blocks; those of another origin are discarded.
        origin: of these answers.
        progress: called with a line of text now and then.

    Raises:
        ValueError: the predictor answered a mention that it was not given.
    """
    seconds, prepared = 0.0, False
    predictions: list[Prediction] = []
    for first in range(0, len(task.examples), _BLOCK):
        part = parts / f"{task.fold or 'all'}-{first:08d}.parquet"
        if part.is_file() and read_origin(part) == origin:
            predictions += read_predictions(part)
            continue
        start = time.perf_counter()
        if not prepared:
            predictor.prepare(task.knowledge_base, task.training, task.queries)
            prepared = True
        block = slice(first, first + _BLOCK)
        answers = _predict(predictor, task.examples[block])
        seconds += time.perf_counter() - start
        judged = _judge(task.examples[block], flags[block], answers, task, predictor)
        write_predictions(part, judged, origin)
        predictions += judged
        fold = f", fold {task.fold}" if task.fold else ""
        progress(f"{task.protocol.name}, {predictor.name}{fold}: {len(predictions)} of {len(task.examples)} mentions")
    return Answers(predictions, seconds)


def forget_parts(parts: Path) -> None:
    """Remove the blocks, once the whole file is written."""
    shutil.rmtree(parts, ignore_errors=True)


def _predict(predictor: Predictor, examples: Sequence[Example]) -> list[Linked]:
    """One answer for each example; where the predictor stays silent, one without candidates."""
    mentions = [example.mention for example in examples]
    answers = {linked.mention: linked for linked in predictor.predict(mentions)}
    if strange := answers.keys() - set(mentions):
        raise ValueError(
            f"predictor {predictor.name} answered {len(strange)} mentions that it was not given, among them "
            f"{strange.pop().surface!r}; expected answers to the mentions given to predict()"
        )
    return [answers.get(mention, Linked(mention, ())) for mention in mentions]


def _judge(
    examples: Sequence[Example], flags: Sequence[Flags], answers: Sequence[Linked], task: Task, predictor: Predictor
) -> list[Prediction]:
    return [
        judge(example, own, linked, task, predictor.score_kind)
        for example, own, linked in zip(examples, flags, answers, strict=True)
    ]
