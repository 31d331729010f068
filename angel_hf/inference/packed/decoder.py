"""A batch of mentions on its way through the packed decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from angel_hf.inference.engine import Step
from angel_hf.inference.packed.decoder_state import DecoderState
from angel_hf.inference.packed.row_blocks import RowBlocks
from angel_hf.inference.packed.vocabulary_head import VocabularyHead

LEAST_LIVE = 0.9
"""Dropping finished mentions pays where no more than this share of a batch's mentions is live."""

Read = Callable[[DecoderState, np.ndarray, np.ndarray, RowBlocks, slice, Tensor | None], Tensor]


class PackedDecoder:
    """The decoder after the prefixes of a batch; see `engine.TreeDecoder`.

    Args:
        state: keys and values after the prefixes.
        hidden: hidden state after each prefix [B, D].
        read: runs the decoder over rows, as `PackedEngine.read`.
        head: what log-probabilities come from.
        multiple: of which a number of rows should be one.
        recycle: takes back the state's memory.
    """

    def __init__(
        self,
        state: DecoderState,
        hidden: Tensor,
        read: Read,
        head: VocabularyHead,
        multiple: int,
        recycle: Callable[[DecoderState], None],
    ) -> None:
        self.state = state
        self.hidden = hidden
        self._read = read
        self._head = head
        self._multiple = multiple
        self._recycle = recycle

    @property
    def length(self) -> int:
        """Cached positions of each mention in use."""
        return self.state.length

    def logprobs(self, rows: Tensor, token_ids: Tensor) -> Tensor:
        """Log-probabilities of tokens after live beams."""
        return torch.from_numpy(self._head.logprobs(self.hidden, rows.numpy(), token_ids.numpy()))

    def step(self, step: Step) -> None:
        """Read the last token of each live beam."""
        state, slots, mentions = self.state, step.slot.numpy(), step.mention.numpy()
        beams = slots - mentions * state.num_beams
        blocks = RowBlocks(mentions, beams, len(state.positions), int(beams.max()) + 1, self._multiple)
        positions = state.positions.numpy()[mentions]
        region = slice(state.advance(slots, step.parent_slot.numpy()), state.length)
        mask = state.mask(blocks.width)
        self.hidden = self._read(state, step.token_id.numpy(), positions, blocks, region, mask)

    def step_tree(
        self, token_ids: np.ndarray, mentions: np.ndarray, positions: np.ndarray, seen: Sequence[Sequence[int]]
    ) -> None:
        """Read tokens of any branches in one pass."""
        state = self.state
        columns = np.arange(len(mentions)) - np.searchsorted(mentions, mentions)
        width = int(columns.max()) + 1
        blocks = RowBlocks(mentions, columns, len(state.positions), width, self._multiple)
        region = state.open(width)
        mask = np.full((len(state.positions), 1, width, state.length), np.float32("-inf"))
        for mention, column, own in zip(mentions.tolist(), columns.tolist(), seen):
            mask[mention, 0, column, list(own)] = 0
        as_weights = torch.from_numpy(mask).to(state.sources[0])
        self.hidden = self._read(state, token_ids, positions, blocks, region, as_weights)

    def keep(self, mentions: Tensor, rows: int) -> Tensor | None:
        """Drop the others once one in ten is finished; see `engine.Decoder`."""
        if len(mentions) > LEAST_LIVE * len(self.state.positions):
            return None
        return self.drop_others(mentions)

    def drop_others(self, mentions: Tensor) -> Tensor:
        """Drop all but some mentions; their new order."""
        return torch.from_numpy(self.state.keep(mentions.numpy()))

    def close(self) -> None:
        """Give back the memory of the caches."""
        self._recycle(self.state)
