"""Accuracy of linking, by which models are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelerate import PartialState
from accelerate.utils import gather_object

from angel_hf import AngelForEntityLinking
from angel_hf.search.beam import BeamSearch
from angel_hf.training.data.corpus import AnnotatedMention
from angel_hf.types import Linked


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Percentage of mentions whose first candidate, or one of the first five, has a gold concept.

    A mention without a concept in the knowledge base counts as wrong; of a name with several concepts any counts.
    """

    mentions: int
    at_1: float
    at_5: float


def accuracy(
    model: AngelForEntityLinking, mentions: Sequence[AnnotatedMention], num_beams: int = 10, batch_size: int = 32
) -> Accuracy:
    """Link the mentions and count right answers; processes share the work, and each gets the whole result.

    Raises:
        ValueError: there are no mentions.
        RuntimeError: the model has no knowledge base.
    """
    if not mentions:
        raise ValueError("no mentions to measure accuracy on; name a corpus in the recipe's [data] dev")
    state = PartialState()
    own = mentions[state.process_index :: state.num_processes]
    linked = model.link(
        [annotated.mention for annotated in own], num_beams, BeamSearch(num_beams), batch_size, ranked=False
    )
    own_ranks = [_first_right(answer, annotated, model) for answer, annotated in zip(linked, own, strict=True)]
    ranks = gather_object(own_ranks)

    def share(k: int) -> float:
        return 100 * sum(rank is not None and rank < k for rank in ranks) / len(ranks)

    return Accuracy(len(ranks), share(1), share(5))


def _first_right(answer: Linked, annotated: AnnotatedMention, model: AngelForEntityLinking) -> int | None:
    """Rank, from 0, of the first candidate with one of the mention's concepts; None if there is none."""
    assert model.knowledge_base is not None
    gold = set(annotated.concept_ids(model.knowledge_base))
    places = (place for place, candidate in enumerate(answer.candidates) if not gold.isdisjoint(candidate.concept_ids))
    return next(places, None)
