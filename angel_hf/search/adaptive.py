"""A narrow beam search for all mentions, and the wide one only for those that it leaves in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from angel_hf.inference.engine import Engine
from angel_hf.search.beam import BeamSearch, Names
from angel_hf.types import Hypothesis, Question


@dataclass(frozen=True, slots=True)
class AdaptiveBeamSearch:
    """So many beams search first, and all of them only for the mentions that are left in doubt.

    A mention that is not in doubt gets no more than `first_beams` names. The encoder reads each mention once.

    Args:
        first_beams: width of the first search; with as many as `num_beams` there is no second one.
        num_beams: width of the second.
        margin: a mention is in doubt where the score of the first concept leads that of the next by less.
        length_penalty: as for BeamSearch.

    Raises:
        ValueError: a number is out of its range.
    """

    first_beams: int = 3
    num_beams: int = 10
    margin: float = 0.5
    length_penalty: float = 1.0

    def __post_init__(self) -> None:
        if self.first_beams < 2:
            raise ValueError(
                f"first_beams={self.first_beams}; expected 2 or more, since one finds nothing to be in doubt about"
            )
        if not self.margin >= 0:
            raise ValueError(f"margin={self.margin:g}; expected 0 or more, a difference of mean log-probabilities")
        BeamSearch(self.num_beams)

    @torch.inference_mode()
    def __call__(
        self, engine: Engine, questions: Sequence[Question], names: Names, top_k: int
    ) -> list[list[Hypothesis]]:
        """Search one batch; see `BeamSearch`."""
        whole = BeamSearch(self.num_beams, self.length_penalty)
        if self.first_beams >= self.num_beams:
            return whole(engine, questions, names, top_k)
        first = BeamSearch(self.first_beams, self.length_penalty)
        sources = engine.encode([question.source_ids for question in questions])
        found = first.search(engine, names.trie, questions, self.first_beams, sources)
        doubtful = [position for position, own in enumerate(found) if self.is_in_doubt(own, names)]
        if doubtful:
            again = [questions[position] for position in doubtful]
            second = whole.search(engine, names.trie, again, top_k, sources.select(doubtful))
            for position, own in zip(doubtful, second):
                found[position] = own
        return [own[:top_k] for own in found]

    def is_in_doubt(self, hypotheses: Sequence[Hypothesis], names: Names) -> bool:
        """Whether the first concept leads the next by less than the margin, or there is none at all."""
        if not hypotheses:
            return True
        first, *others = hypotheses
        own = names.concepts_of(first.name_index)
        rivals = (one for one in others if first.score - one.score < self.margin)
        return any(own.isdisjoint(names.concepts_of(one.name_index)) for one in rivals)
