"""Accuracies over ranks: a mention's rank is that of its first right candidate, from 1, or None."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

AT = tuple(range(1, 11))
"""The k that accuracy is reported at."""


def accuracy_at(k: int, ranks: Sequence[int | None]) -> float:
    """Share of mentions whose first right candidate is among the first k, in percent.

    Raises:
        ValueError: there are no mentions.
    """
    return accuracy_over_groups_at(k, ranks, range(len(ranks)))


def accuracy_over_groups_at(k: int, ranks: Sequence[int | None], groups: Sequence[Hashable]) -> float:
    """Mean over groups of the accuracy within each, in percent: every group weighs the same.

    Raises:
        ValueError: there are no mentions.
    """
    if not ranks:
        raise ValueError("no mentions to score; expected at least one")
    hits: dict[Hashable, list[bool]] = {}
    for rank, group in zip(ranks, groups, strict=True):
        hits.setdefault(group, []).append(rank is not None and rank <= k)
    return 100 * sum(sum(group) / len(group) for group in hits.values()) / len(hits)
