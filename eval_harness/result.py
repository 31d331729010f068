"""What one predictor reached under one protocol: all numbers of a report, from its predictions alone."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval_harness.metrics.entity_linking.ranks import (
    accuracy_at,
    accuracy_over_groups_at,
    hits_at,
    mean_reciprocal_rank,
)
from eval_harness.metrics.linking_calibration.confidence import area_under_risk_coverage, expected_calibration_error
from eval_harness.metrics.linking_hierarchy.relations import RELATIONS, relation
from eval_harness.prediction import Prediction
from eval_harness.prediction_file import Origin
from eval_harness.protocol import Protocol
from eval_harness.significance import SEED, Interval, bootstrap_interval
from eval_harness.slices import slice_predictions

AT = tuple(range(1, 11))
"""The k that accuracy is reported at."""

_SLICE_RESAMPLES = 999

Parents = Mapping[str, Sequence[str]]
"""The parents of every concept that has any."""


@dataclass(frozen=True, slots=True)
class SliceResult:
    """Accuracy on a part of the mentions, in percent."""

    name: str
    value: str
    mentions: int
    accuracy_at_1: float
    accuracy_at_5: float
    accuracy_at_1_interval: Interval | None


@dataclass(frozen=True, slots=True)
class FoldResult:
    """Accuracy on a fold, in percent."""

    fold: str
    mentions: int
    accuracy_at_1: float
    accuracy_at_5: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one predictor reached under one protocol; percentages unless said otherwise.

    Args:
        predictor: its name.
        protocol: with all its parameters.
        mentions: how many were linked.
        documents: how many they are of.
        left_out: mentions that the protocol leaves out.
        unanswered: how many got no candidate, and count as wrong.
        gold_not_in_knowledge_base: how many have no concept there, and cannot be answered.
        accuracy_at: by k; with folds, the mean over them.
        accuracy_at_1_interval: when documents are drawn anew.
        accuracy_at_5_interval: likewise.
        mean_reciprocal_rank: over mentions.
        mean_reciprocal_rank_interval: likewise.
        mean_average_precision: over mentions.
        concepts: number of distinct sets of gold concepts.
        macro_accuracy_at_1: mean over these of the accuracy of their mentions.
        distinct: number of distinct pairs of lowercased mention string and gold concepts.
        distinct_accuracy_at: by k; each pair weighs the same, however often it occurs.
        expected_calibration_error: None where scores are no probabilities.
        area_under_risk_coverage: mean risk over all coverages.
        hierarchy: share of mentions by relation of the first answer to the gold concepts; None without parents.
        slices: by kind of mention.
        folds: of a benchmark in folds.
        accuracy_at_1_spread: standard deviation over folds (n - 1), None without folds.
    """

    predictor: str
    protocol: Protocol
    mentions: int
    documents: int
    left_out: int
    unanswered: int
    gold_not_in_knowledge_base: int
    accuracy_at: dict[int, float]
    accuracy_at_1_interval: Interval | None
    accuracy_at_5_interval: Interval | None
    mean_reciprocal_rank: float
    mean_reciprocal_rank_interval: Interval | None
    mean_average_precision: float
    concepts: int
    macro_accuracy_at_1: float
    distinct: int
    distinct_accuracy_at: dict[int, float]
    expected_calibration_error: float | None
    area_under_risk_coverage: float
    hierarchy: dict[str, float] | None
    slices: tuple[SliceResult, ...]
    folds: tuple[FoldResult, ...]
    accuracy_at_1_spread: float | None


def summarise(
    predictions: Sequence[Prediction],
    origin: Origin,
    protocol: Protocol,
    left_out: int = 0,
    parents: Parents | None = None,
    seed: int = SEED,
) -> Result:
    """Every number of a report.

    Raises:
        ValueError: there are no predictions.
    """
    ranks = [one.rank for one in predictions]
    documents = [(one.fold, one.document_id) for one in predictions]
    concepts = [one.gold_concepts for one in predictions]
    pairs = [(one.mention.lower(), gold) for one, gold in zip(predictions, concepts)]
    folds = _fold_results(predictions)
    confidences, right = [one.confidence for one in predictions], hits_at(1, ranks)
    probabilities = origin.score_kind != "similarity"

    def interval(values: Sequence[float]) -> Interval | None:
        return bootstrap_interval(values, documents, seed=seed)

    return Result(
        predictor=origin.predictor,
        protocol=protocol,
        mentions=len(predictions),
        documents=len(set(documents)),
        left_out=left_out,
        unanswered=sum(not one.candidates for one in predictions),
        gold_not_in_knowledge_base=sum(not one.flags.in_knowledge_base for one in predictions),
        accuracy_at={k: _accuracy(k, predictions) for k in AT},
        accuracy_at_1_interval=interval(right),
        accuracy_at_5_interval=interval(hits_at(5, ranks)),
        mean_reciprocal_rank=mean_reciprocal_rank(ranks),
        mean_reciprocal_rank_interval=interval([1 / rank if rank else 0.0 for rank in ranks]),
        mean_average_precision=100 * statistics.fmean(one.average_precision for one in predictions),
        concepts=len(set(concepts)),
        macro_accuracy_at_1=accuracy_over_groups_at(1, ranks, concepts),
        distinct=len(set(pairs)),
        distinct_accuracy_at={k: accuracy_over_groups_at(k, ranks, pairs) for k in AT},
        expected_calibration_error=expected_calibration_error(confidences, right) if probabilities else None,
        area_under_risk_coverage=area_under_risk_coverage(confidences, right),
        hierarchy=_hierarchy(predictions, protocol, parents) if parents else None,
        slices=tuple(_slice_result(name, value, own, seed) for name, value, own in slice_predictions(predictions)),
        folds=folds,
        accuracy_at_1_spread=statistics.stdev(one.accuracy_at_1 for one in folds) if len(folds) > 1 else None,
    )


def _accuracy(k: int, predictions: Sequence[Prediction]) -> float:
    """Over mentions, or the mean over folds."""
    folds: dict[str, list[int | None]] = {}
    for one in predictions:
        folds.setdefault(one.fold, []).append(one.rank)
    if not folds:
        raise ValueError("no mentions to score; expected at least one")
    return statistics.fmean(accuracy_at(k, ranks) for ranks in folds.values())


def _fold_results(predictions: Sequence[Prediction]) -> tuple[FoldResult, ...]:
    names = dict.fromkeys(one.fold for one in predictions if one.fold)
    parts = {name: [one for one in predictions if one.fold == name] for name in names}
    return tuple(FoldResult(name, len(own), _accuracy(1, own), _accuracy(5, own)) for name, own in parts.items())


def _slice_result(name: str, value: str, predictions: Sequence[Prediction], seed: int) -> SliceResult:
    ranks = [one.rank for one in predictions]
    documents = [(one.fold, one.document_id) for one in predictions]
    interval = bootstrap_interval(hits_at(1, ranks), documents, _SLICE_RESAMPLES, seed)
    return SliceResult(name, value, len(ranks), accuracy_at(1, ranks), accuracy_at(5, ranks), interval)


def _hierarchy(predictions: Sequence[Prediction], protocol: Protocol, parents: Parents) -> dict[str, float]:
    found = [
        # What the protocol counts as right is exact, whatever part of the answer it looks at.
        "exact" if one.rank == 1 else _wrong_relation(one, protocol, parents)
        for one in predictions
    ]
    return {name: 100 * found.count(name) / len(found) for name in RELATIONS}


def _wrong_relation(prediction: Prediction, protocol: Protocol, parents: Parents) -> str:
    best = prediction.candidates[:1]
    counted = [one for first in best for one in protocol.counted_concepts(first, prediction.mention)]
    found = relation(counted, prediction.gold_concepts, parents)
    return "none" if found == "exact" else found
