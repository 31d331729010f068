"""Preference pairs: a right name beside a wrong one that the model ranked above it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from angel_hf.types import Candidate, Mention


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its rank among the model's candidates, from 1; None if it is not among them."""

    candidate: Candidate
    rank: int | None


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """A mention, a name of one of its concepts, and a name of none of them."""

    mention: Mention
    chosen: Ranked
    rejected: Ranked


def preference_pairs(
    mention: Mention,
    candidates: Sequence[Candidate],
    gold: frozenset[str],
    nearest: Callable[[], Candidate | None] | None = None,
) -> Iterator[PreferencePair]:
    """Pair the right candidates of a mention with wrong ones, by the published rule.

    Each right candidate is chosen over every wrong one above it, and a right first one over the first wrong one
    below. If none is right, the nearest gold name is chosen over every wrong one; the published code computes that
    name without using it.

    Args:
        mention: the linked one.
        candidates: of the model, best first.
        gold: the mention's concept ids.
        nearest: returns the name to choose if no candidate is right; without it, or if it returns None, such a mention
            makes no pairs.
    """
    ranked = [Ranked(candidate, rank) for rank, candidate in enumerate(candidates, start=1)]
    right = [one for one in ranked if not gold.isdisjoint(one.candidate.concept_ids)]
    wrong = [one for one in ranked if gold.isdisjoint(one.candidate.concept_ids)]
    if not right:
        candidate = nearest() if nearest is not None else None
        if candidate is not None:
            yield from (PreferencePair(mention, Ranked(candidate, None), one) for one in wrong)
    for chosen in right:
        if chosen.rank == 1:
            yield from (PreferencePair(mention, chosen, one) for one in wrong[:1])
        else:
            above = [one for one in wrong if (one.rank or 0) < (chosen.rank or 0)]
            yield from (PreferencePair(mention, chosen, one) for one in above)
