"""A narrow beam search for all mentions, and the wide one only for those that it leaves in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..inference.packed.engine import PackedBart
from ..trie.name_trie import NameTrie
from ..types import Hypothesis
from .beam import beam_search


@torch.inference_mode()
def adaptive_beam_search(
    bart: PackedBart,
    trie: NameTrie,
    encoder_ids: Sequence[Sequence[int]],
    prefix_ids: Sequence[Sequence[int]],
    *,
    first_beams: int,
    num_beams: int,
    is_in_doubt: Callable[[list[Hypothesis]], bool],
    top_k: int | None = None,
    **options: Any,
) -> list[list[Hypothesis]]:
    """Search one batch with few beams, and what remains in doubt once more with all; the encoder reads it once.

    Args:
        bart, trie, encoder_ids, prefix_ids, num_beams, top_k: as for `beam_search`, whose other options are taken too.
        first_beams: width of the first search, which tells all that it finds.
        is_in_doubt: tells by the first search's hypotheses, best first, whether the second is worth its time.

    Returns:
        For each mention its hypotheses, best first; where there was no doubt, `first_beams` at most.
    """
    sources = bart.encode(encoder_ids)
    found = beam_search(bart, trie, encoder_ids, prefix_ids, num_beams=first_beams, sources=sources, **options)
    doubtful = [position for position, hypotheses in enumerate(found) if is_in_doubt(hypotheses)]
    if doubtful:
        again = beam_search(
            bart,
            trie,
            [encoder_ids[position] for position in doubtful],
            [prefix_ids[position] for position in doubtful],
            num_beams=num_beams,
            top_k=top_k,
            sources=[sources[position] for position in doubtful],
            **options,
        )
        for position, hypotheses in zip(doubtful, again):
            found[position] = hypotheses
    return [hypotheses[:top_k] for hypotheses in found]
