"""The gain of each variant over positive training alone, and over its control."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.negatives.answers import Answers
from benchmarks.negatives.study import POSITIVE, Study, control_of
from eval_harness.significance import Difference, paired_bootstrap


@dataclass(frozen=True)
class Row:
    """One variant, or one control, on one split.

    Attributes:
        accuracy: at 1, in percent, of each seed.
        over_positive: what it gains; mean over the seeds, interval over documents.
        over_control: what it gains over its control, seed by seed; None for a control, or where there is none.
    """

    split: str
    variant: str
    accuracy: tuple[float, ...]
    over_positive: Difference | None
    over_control: Difference | None

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds."""
        return statistics.fmean(self.accuracy)

    @property
    def spread(self) -> float | None:
        """Standard deviation over the seeds; None for one."""
        return statistics.stdev(self.accuracy) if len(self.accuracy) > 1 else None


def compare(study: Study, answers: dict[str, dict[str, Answers]]) -> Iterator[Row]:
    """Compare the variants on each split.

    Args:
        study: names the variants.
        answers: for each split and variant.
    """
    for split in study.splits:
        of_split = answers[split]
        positive = of_split[POSITIVE]
        yield Row(split, POSITIVE, _accuracy(positive), None, None)
        for name, variant in study.variants.items():
            control = of_split[control_of(name)] if variant.control else None
            own = of_split[name]
            over_control = _difference(control, own) if control else None
            yield Row(split, name, _accuracy(own), _difference(positive, own), over_control)
            if control is not None:
                yield Row(split, control_of(name), _accuracy(control), _difference(positive, control), None)


def _accuracy(answers: Answers) -> tuple[float, ...]:
    return tuple(100 * statistics.fmean(hits) for hits in answers.hits.values())


def _difference(first: Answers, second: Answers) -> Difference:
    """Of the means over the seeds of each; documents are drawn, with all seeds' answers to their mentions."""
    before, after = (np.mean(list(one.hits.values()), axis=0).tolist() for one in (first, second))
    return paired_bootstrap(before, after, first.documents)
