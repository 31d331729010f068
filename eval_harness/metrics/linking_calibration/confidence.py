"""Calibration of confidences, and accuracy on the surest answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like confidence.

    Args:
        mentions: how many there are.
        confidence: their mean confidence, 0 to 1.
        accuracy: the share that is right, 0 to 1.
    """

    mentions: int
    confidence: float
    accuracy: float


def calibration_bins(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[Bin]:
    """The answers by confidence, in bins of equal width over 0..1, empty ones left out.

    Raises:
        ValueError: a confidence is outside 0..1, or there are no answers.
    """
    values, hits = _arrays(confidences, right)
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"confidences from {values.min():g} to {values.max():g}; expected probabilities, 0 to 1")
    which = np.minimum((values * bins).astype(int), bins - 1)
    return [
        Bin(int(inside.sum()), float(values[inside].mean()), float(hits[inside].mean()))
        for inside in (which == one for one in range(bins))
        if inside.any()
    ]


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Mean distance between confidence and accuracy of the bins, weighed by their mentions, in percent.

    After Naeini, Cooper and Hauskrecht, AAAI 2015. Raises as `calibration_bins` does.
    """
    found = calibration_bins(confidences, right, bins)
    return 100 * sum(one.mentions * abs(one.confidence - one.accuracy) for one in found) / len(confidences)


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    """The share of wrong answers among the n surest, for every n (El-Yaniv and Wiener, JMLR 2010).

    Answers of the same confidence are taken in no order: each counts as the mean of them.

    Returns:
        Coverage n / all and risk, both float64 [answers], 0 to 1.

    Raises:
        ValueError: there are no answers.
    """
    values, hits = _arrays(confidences, right)
    _, group, size = np.unique(-values, return_inverse=True, return_counts=True)
    mean = np.bincount(group, weights=~hits) / size
    count = np.arange(1, len(values) + 1)
    return count / len(values), np.cumsum(np.repeat(mean, size)) / count


def area_under_risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Mean of the risk over all coverages, in percent; raises as `risk_coverage` does."""
    return 100 * float(risk_coverage(confidences, right)[1].mean())


def _arrays(confidences: Sequence[float], right: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    if not len(confidences) or len(confidences) != len(right):
        raise ValueError(f"{len(confidences)} confidences for {len(right)} answers; expected one each, at least one")
    return np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=bool)
