"""Names that are spelled as their mentions: scored without a search, and put before what the beams find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..inference.packed.engine import PackedBart
from ..trie.name_trie import NameTrie
from ..types import Hypothesis
from .beam import beam_search


@torch.inference_mode()
def score_names(
    bart: PackedBart,
    trie: NameTrie,
    encoder_ids: Sequence[Sequence[int]],
    prefix_ids: Sequence[Sequence[int]],
    *,
    names: Sequence[Sequence[int]],
    **options: Any,
) -> list[Hypothesis | None]:
    """Score one batch of mentions, each with one name.

    Args:
        bart, trie, encoder_ids, prefix_ids: as for `beam_search`, whose other options but for widths are taken too.
        names: token ids of each mention's name, one of the trie's, without end token.

    Returns:
        For each mention the hypothesis that a beam search finds which does not lose the name; None where the name is
        too long to be generated after its prefix.
    """
    # Each mention is a child of the root, below which its own name is all there is.
    own = NameTrie.from_sequences([[row, *ids] for row, ids in enumerate(names)])
    roots = own.expand(np.array([own.root])).node
    found = beam_search(bart, own, encoder_ids, prefix_ids, num_beams=1, roots=roots, **options)
    return [
        replace(hypotheses[0], name_index=trie.find(ids)) if hypotheses else None
        for ids, hypotheses in zip(names, found)
    ]


def put_first(name_index: int, hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """The hypotheses with that of a name before the others, where it is among them."""
    return sorted(hypotheses, key=lambda one: one.name_index != name_index)
