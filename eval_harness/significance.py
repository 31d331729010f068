"""Intervals of a number, and whether two systems differ: bootstrap over documents, and McNemar's test.

Mentions of one document are not independent, so documents are drawn, with all their mentions, by default.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE_LEVEL = 0.95
RESAMPLES = 9999
SEED = 20_260_816


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile interval at CONFIDENCE_LEVEL, in percent."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Two systems on the same mentions, the second minus the first, in percent.

    Args:
        mentions: how many.
        units: documents, or mentions, that were drawn.
        difference: of their means.
        interval: of the difference.
        bootstrap_p: twice the smaller share of resampled differences on either side of 0, both with 0; at most 1.
    """

    mentions: int
    units: int
    difference: float
    interval: Interval
    bootstrap_p: float


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's exact test: the binomial test of discordant pairs (Fagerland, Lydersen and Laake, 2013).

    Args:
        only_first: mentions that only the first system has right.
        only_second: mentions that only the second has.
        p: two-sided.
    """

    only_first: int
    only_second: int
    p: float


def bootstrap_interval(
    values: Sequence[float], units: Sequence[Hashable], resamples: int = RESAMPLES, seed: int = SEED
) -> Interval | None:
    """The interval of the mean of `values` (hits, or reciprocal ranks, 0 to 1), when units are drawn anew.

    Args:
        values: one for each mention.
        units: the document of each mention; or something of its own, to draw mentions.
        resamples: how often to draw.
        seed: of the draws.

    Returns:
        None for fewer than two units.
    """
    sums, counts = _by_unit(np.asarray(values, dtype=np.float64), units)
    if len(counts) < 2:
        return None
    found = _bootstrap(sums, counts, resamples, seed)
    return Interval(100 * float(found.confidence_interval.low), 100 * float(found.confidence_interval.high))


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    units: Sequence[Hashable],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Difference:
    """The difference of two systems' means, with the same units drawn for both.

    Raises:
        ValueError: there are fewer than two units, or other numbers of values.
    """
    if not len(first) == len(second) == len(units):
        raise ValueError(f"{len(first)}, {len(second)} values for {len(units)} units; expected as many of each")
    change = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    sums, counts = _by_unit(change, units)
    if len(counts) < 2:
        raise ValueError(f"{len(counts)} document; expected two or more to draw from: try to draw mentions")
    found = _bootstrap(sums, counts, resamples, seed)
    drawn = found.bootstrap_distribution
    low, high = found.confidence_interval
    return Difference(
        mentions=len(change),
        units=len(counts),
        difference=100 * float(change.mean()),
        interval=Interval(100 * float(low), 100 * float(high)),
        bootstrap_p=float(min(1.0, 2 * min(np.mean(drawn <= 0), np.mean(drawn >= 0)))),
    )


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Whether two systems are right about different numbers of mentions; mentions count as independent."""
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second))
    discordant = only_first + only_second
    p = float(stats.binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0
    return McNemar(only_first, only_second, p)


def _by_unit(values: np.ndarray, units: Sequence[Hashable]) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the values of each unit and its number of mentions: float64 [units] both."""
    numbers: dict[Hashable, int] = {}
    unit = np.array([numbers.setdefault(one, len(numbers)) for one in units])
    return np.bincount(unit, weights=values), np.bincount(unit).astype(np.float64)


def _bootstrap(sums: np.ndarray, counts: np.ndarray, resamples: int, seed: int):  # type: ignore[no-untyped-def]
    def mean(drawn_sums: np.ndarray, drawn_counts: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(drawn_sums.sum(axis=axis) / drawn_counts.sum(axis=axis))

    return stats.bootstrap(
        (sums, counts),
        mean,
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, 2_000_000 // len(sums)),
        confidence_level=CONFIDENCE_LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
