"""Names that are spelled as their mentions: put before what another search finds, and scored without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from angel_hf.inference.engine import Engine
from angel_hf.search.adaptive import AdaptiveBeamSearch
from angel_hf.search.beam import BeamSearch, Names
from angel_hf.trie.name_trie import NameTrie
from angel_hf.trie.walkable_trie import WalkableTrie, walkable
from angel_hf.types import Hypothesis, Question


@dataclass(frozen=True, slots=True)
class VerbatimFirst:
    """A search in which a name that is spelled as the mention comes first, whatever its score.

    Such a name, in the knowledge base's normal form, has its score even if the beams lose it. Where only one name is
    requested, mentions that have one are not searched for at all.

    Args:
        search: finds the other names.
    """

    search: BeamSearch | AdaptiveBeamSearch = field(default_factory=BeamSearch)

    @property
    def num_beams(self) -> int:
        """Most names that a mention gets."""
        return self.search.num_beams

    @torch.inference_mode()
    def __call__(
        self, engine: Engine, names: Names, questions: Sequence[Question], top_k: int
    ) -> list[list[Hypothesis]]:
        """Search one batch; see `BeamSearch`. A question's `surface_ids` are the name to look for."""
        trie = walkable(names.trie)
        spelled = [self._find(engine, trie, question) for question in questions]
        # With one name requested, nothing that the beams may find comes before the name that is spelled.
        searched = [position for position, index in enumerate(spelled) if top_k > 1 or index < 0]
        found: list[list[Hypothesis]] = [[] for _ in questions]
        if searched:
            results = self.search(engine, names, [questions[position] for position in searched], top_k)
            for position, own in zip(searched, results):
                found[position] = own
        lost = [
            position
            for position, index in enumerate(spelled)
            if index >= 0 and all(one.name_index != index for one in found[position])
        ]
        if lost:
            for position, one in zip(lost, score_names(engine, trie, [questions[place] for place in lost])):
                found[position] += [one] if one is not None else []
        return [put_first(index, own)[:top_k] for index, own in zip(spelled, found)]

    def _find(self, engine: Engine, trie: WalkableTrie, question: Question) -> int:
        """The name that is spelled as the mention, or -1; also where the decoder has no room for it and its end."""
        if not question.surface_ids or len(question.prefix_ids) + len(question.surface_ids) > engine.max_length:
            return -1
        return trie.find(question.surface_ids)


@torch.inference_mode()
def score_names(engine: Engine, trie: WalkableTrie, questions: Sequence[Question]) -> list[Hypothesis | None]:
    """Score one batch of mentions, each with the name that its `surface_ids` write, one of the trie's.

    Returns:
        For each mention the hypothesis that a beam search finds which does not lose the name; None where the name is
        too long to be generated after its prefix.
    """
    # Each mention is a child of the root, below which its own name is all there is.
    own = NameTrie.from_sequences([[row, *question.surface_ids] for row, question in enumerate(questions)])
    roots = own.expand(np.array([own.root])).node
    sources = engine.encode([question.source_ids for question in questions])
    found = BeamSearch(num_beams=1).search(engine, own, questions, 1, sources, roots)
    return [
        replace(hypotheses[0], name_index=trie.find(question.surface_ids)) if hypotheses else None
        for question, hypotheses in zip(questions, found)
    ]


def put_first(name_index: int, hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """The hypotheses with that of a name before the others, where it is among them."""
    return sorted(hypotheses, key=lambda one: one.name_index != name_index)
