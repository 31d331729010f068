"""CPU time of things that are compared, measured in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True)
class Timing:
    """How long something took, again and again.

    Attributes:
        cpu_seconds: process CPU time of every repeat, all threads together.
        work: what one repeat did, in mentions, builds, ...
    """

    cpu_seconds: tuple[float, ...]
    work: float = 1.0

    @property
    def median(self) -> float:
        """Median CPU seconds of a repeat."""
        return statistics.median(self.cpu_seconds)

    @property
    def rate(self) -> float:
        """Work per CPU second, by the median repeat."""
        return self.work / self.median

    @property
    def rates(self) -> tuple[float, float]:
        """Work per CPU second of the slowest and of the fastest repeat."""
        return self.work / max(self.cpu_seconds), self.work / min(self.cpu_seconds)


@dataclass(frozen=True)
class Ratio:
    """How many times faster `ours` is than `theirs`: median, least and most of the paired repeats.

    A repeat of one is compared with the other's that was measured next to it: the machine's speed changes meanwhile.
    """

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, ours: Timing, theirs: Timing) -> Ratio:
        """Compare two timings whose repeats were taken in turns."""
        per_piece = [
            (their_seconds / theirs.work) / (our_seconds / ours.work)
            for our_seconds, their_seconds in zip(ours.cpu_seconds, theirs.cpu_seconds, strict=True)
        ]
        return cls(statistics.median(per_piece), min(per_piece), max(per_piece))


def in_turns_by_blocks(
    tasks: Sequence[Callable[[slice], object]], work: int, block: int, repeats: int
) -> list[tuple[float, ...]]:
    """As `in_turns`, of tasks that do a part of their work at a time: of each repeat, block after block.

    So changes of the machine's speed within seconds affect all alike, however long their repeats take.

    Args:
        tasks: each is called with the part to do.
        work: how much there is in all.
        block: how much of it at a time.
        repeats: of the whole.
    """
    blocks = [slice(first, min(first + block, work)) for first in range(0, work, block)]
    seconds: list[list[float]] = [[] for _ in tasks]
    for _ in range(repeats):
        of_blocks = [in_turns([partial(task, one) for task in tasks], 1) for one in blocks]
        for number, own in enumerate(seconds):
            own.append(sum(found[number][0] for found in of_blocks))
    return [tuple(own) for own in seconds]


def in_turns(tasks: Sequence[Callable[[], object]], repeats: int) -> list[tuple[float, ...]]:
    """CPU seconds of every task: first, second, ..., first, second, ... so that a busy machine slows all alike.

    Returns:
        For each task its `repeats` measurements, in order.
    """
    seconds: list[list[float]] = [[] for _ in tasks]
    for _ in range(repeats):
        for own, task in zip(seconds, tasks):
            start = time.process_time()
            task()
            own.append(time.process_time() - start)
    return [tuple(own) for own in seconds]
