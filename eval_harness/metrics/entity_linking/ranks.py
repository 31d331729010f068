"""Formulas over rankings: a mention's rank is that of its first right candidate, from 1, or None."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence


def first_right(candidates: Sequence[Collection[str]], gold: Collection[str]) -> int | None:
    """The place, from 1, of the first candidate that shares a concept with the gold ones; None if none does.

    Args:
        candidates: concept ids of each candidate, best first.
        gold: the right concepts.
    """
    right = set(gold)
    return next((place for place, ids in enumerate(candidates, start=1) if not right.isdisjoint(ids)), None)


def accuracy_at(k: int, ranks: Sequence[int | None]) -> float:
    """Share of mentions whose first right candidate is among the first k, in percent.

    Raises:
        ValueError: there are no mentions.
    """
    return 100 * sum(hits_at(k, ranks)) / len(_require_mentions(ranks))


def hits_at(k: int, ranks: Sequence[int | None]) -> list[bool]:
    """Whether each mention is answered within the first k."""
    return [rank is not None and rank <= k for rank in ranks]


def accuracy_over_groups_at(k: int, ranks: Sequence[int | None], groups: Sequence[Hashable]) -> float:
    """Mean over groups of the accuracy within each, in percent: every group weighs the same.

    Raises:
        ValueError: there are no mentions, or another number of groups.
    """
    hits: dict[Hashable, list[bool]] = {}
    for hit, group in zip(hits_at(k, _require_mentions(ranks)), groups, strict=True):
        hits.setdefault(group, []).append(hit)
    return 100 * sum(sum(group) / len(group) for group in hits.values()) / len(hits)


def mean_reciprocal_rank(ranks: Sequence[int | None]) -> float:
    """Mean of 1 / rank, 0 for a mention without a right candidate, in percent (Voorhees, TREC-8, 1999).

    Raises:
        ValueError: there are no mentions.
    """
    return 100 * sum(1 / rank for rank in _require_mentions(ranks) if rank is not None) / len(ranks)


def average_precision(candidates: Sequence[Collection[str]], gold: Collection[str]) -> float:
    """Mean over gold concepts of the precision where each is first found, 0 for one that is not; from 0 to 1.

    Precision at a rank is the number of gold concepts found so far over the rank. Of a mention with one gold concept
    it is the reciprocal rank; a composite mention needs all its concepts for 1.
    """
    missing, total = set(gold), 0.0
    if not missing:
        return 0.0
    total_gold = len(missing)
    for place, ids in enumerate(candidates, start=1):
        new = missing.intersection(ids)
        missing -= new
        # A candidate stands at one rank, so several concepts of one name share its precision, at most 1.
        total += len(new) * min(1.0, (total_gold - len(missing)) / place)
    return total / total_gold


def _require_mentions(ranks: Sequence[int | None]) -> Sequence[int | None]:
    if not ranks:
        raise ValueError("no mentions to score; expected at least one")
    return ranks
