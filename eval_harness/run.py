"""A run: every predictor under every protocol, with its files. An interrupted run resumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from angel_hf.jobs.text_file import write_json
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from eval_harness.answering import Progress, answer_task, forget_parts, identify
from eval_harness.corpus import Corpus
from eval_harness.flags import Flags, flag_examples
from eval_harness.prediction import Prediction
from eval_harness.prediction_file import Origin, read_origin, read_predictions, write_predictions
from eval_harness.predictors.predictor import Predictor
from eval_harness.protocol import Protocol
from eval_harness.report.report import write_report
from eval_harness.result import Parents, Result, summarise
from eval_harness.result_file import RESULTS_FILE, Report, RunDescription, write_results
from eval_harness.task import Task, prepare_task

PREDICTIONS_FOLDER = "predictions"
TIMINGS_FILE = "timings.json"
"""Seconds in each predictor: apart from results.json, which is the same whenever it is made."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a predictor took, for how many mentions; for all of them together."""

    predictor: str
    protocol: str
    mentions: int
    seconds: float


def run_all(
    corpus: Corpus,
    predictors: Sequence[Predictor],
    protocols: Sequence[Protocol],
    out: Path,
    description: RunDescription,
    hierarchy: KnowledgeBase | None = None,
    progress: Progress = lambda _: None,
) -> tuple[Report, list[Timing]]:
    """Evaluate, and write results.json, the reports, timings.json and `predictions/PREDICTOR-PROTOCOL.parquet`.

    Args:
        corpus: what is evaluated on.
        predictors: each under every protocol.
        protocols: in the order of the results.
        out: directory to write to; prediction files in it that are of this very run are taken as they are.
        description: of the run, as known before it starts.
        hierarchy: parents of concepts, beside the knowledge base's own.
        progress: called with a line of text now and then.
    """
    split = description.split
    folds = corpus.folds(split)
    names = [predictor.name for predictor in predictors]
    if len(set(names)) < len(names):
        raise ValueError(f"predictors {', '.join(names)}: two of one name; give angel, dense or file others by `kind:`")
    results: list[Result] = []
    predictions: list[list[Prediction]] = []
    timings: list[Timing] = []
    for protocol in protocols:
        tasks = [prepare_task(corpus, split, protocol, fold) for fold in folds]
        fingerprints = [task.fingerprint for task in tasks]
        flags = [flag_examples(task) for task in tasks]
        parents = parents_of(tasks[0].knowledge_base, hierarchy)
        left_out = sum(len(task.left_out) for task in tasks)
        for predictor in predictors:
            origin = Origin(
                corpus.benchmark.name,
                split,
                predictor.name,
                protocol.name,
                predictor.score_kind,
                identify(predictor, fingerprints),
            )
            found, timing = _answers(predictor, tasks, flags, origin, out, progress)
            results.append(summarise(found, origin, protocol, left_out, parents, description.seed))
            predictions.append(found)
            timings += [timing] if timing else []
    report = Report(_complete(description, corpus), tuple(results))
    write_results(out / RESULTS_FILE, report)
    write_report(out, report, predictions)
    if timings:
        rows = [{"predictor": one.predictor, "protocol": one.protocol, "seconds": one.seconds} for one in timings]
        write_json(out / TIMINGS_FILE, rows)
    return report, timings


def parents_of(knowledge_base: KnowledgeBase, hierarchy: KnowledgeBase | None) -> Parents | None:
    """The parents of the concepts of a knowledge base, from itself and from another; None if there are none."""
    parents: dict[str, list[str]] = {}
    for source in (knowledge_base, hierarchy):
        for concept in source.concepts() if source else ():
            own = knowledge_base.resolve(concept.concept_id) or concept.concept_id
            above = [knowledge_base.resolve(one) or one for one in concept.parents]
            if above:
                parents[own] = list(dict.fromkeys([*parents.get(own, []), *above]))
    return parents or None


def _answers(
    predictor: Predictor,
    tasks: Sequence[Task],
    flags: Sequence[Sequence[Flags]],
    origin: Origin,
    out: Path,
    progress: Progress,
) -> tuple[list[Prediction], Timing | None]:
    """The predictions of all folds, new or as they are on disk."""
    label = f"{origin.predictor}-{origin.protocol}"
    path = out / PREDICTIONS_FOLDER / f"{label}.parquet"
    if path.is_file() and read_origin(path) == origin:
        progress(f"{origin.protocol}, {origin.predictor}: as in {path}")
        return read_predictions(path), None
    parts = out / PREDICTIONS_FOLDER / f".{label}.parts"
    answered = [
        answer_task(predictor.of_fold(task.fold), task, own, parts, origin, progress) for task, own in zip(tasks, flags)
    ]
    found = [prediction for one in answered for prediction in one.predictions]
    write_predictions(path, found, origin)
    forget_parts(parts)
    seconds = sum(one.seconds for one in answered)
    return found, Timing(origin.predictor, origin.protocol, len(found), round(seconds, 3))


def _complete(description: RunDescription, corpus: Corpus) -> RunDescription:
    return replace(
        description,
        data_sha256=corpus.checksums(),
        differences=tuple(corpus.differences),
        bad_records=tuple(map(str, corpus.bad.records)),
    )
