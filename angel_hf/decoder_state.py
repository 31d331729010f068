"""What the decoder remembers between the steps of a search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass
class DecoderState:
    """Keys and values of B mentions, and which of them each of K beams a mention sees; changed in place.

    The self-attention cache of a mention holds its prefix once and then K slots for every step. A beam sees
    the prefix and, of each step, the slot of its own ancestor: `seen` tells which. So beams that move
    never copy keys or values.

    Attributes:
        num_beams: K.
        sources: keys and values of the sources, for each layer [B, longest source, 2, H, h].
        source_mask: [B, 1, 1, longest source], 0 where there is a token and -inf elsewhere; None if there is one
            everywhere.
        targets: keys and values of prefixes and beams, for each layer [B, capacity, 2, H, h]; not written from
            `length` on.
        seen: bool [B * K, capacity] on the CPU, the cached positions that each slot attends to.
        length: cached positions in use.
        positions: int64 [B] on the CPU, the position of each mention's next token.
    """

    num_beams: int
    sources: list[Tensor]
    source_mask: Tensor | None
    targets: list[Tensor]
    seen: Tensor
    length: int
    positions: Tensor

    def keep(self, mentions: Tensor) -> None:
        """Forget all but the given mentions (int64 [n], ascending)."""
        kept = mentions.tolist()
        self.sources[:] = [_kept(tensor, kept) for tensor in self.sources]
        self.targets[:] = [_kept(tensor, kept) for tensor in self.targets]
        if self.source_mask is not None:
            self.source_mask = _kept(self.source_mask, kept)
        mentions = mentions.cpu()
        self.positions = self.positions[mentions]
        self.seen = self.seen.unflatten(0, (-1, self.num_beams))[mentions].flatten(0, 1)

    def advance(self, slots: np.ndarray, parent_slots: np.ndarray) -> int:
        """Open K slots for one more step, with `slots` (int64 [R]) the heirs of `parent_slots`.

        Returns:
            The cached position of slot 0 of each mention.
        """
        first = self.open(self.num_beams).start
        before = self.seen.numpy()
        seen = np.zeros_like(before)
        seen[slots] = before[parent_slots]
        seen[slots, first + slots % self.num_beams] = True
        self.seen = torch.from_numpy(seen)
        self.positions = self.positions + 1
        return first

    def open(self, count: int) -> slice:
        """Room for `count` more tokens of each mention: the cached positions."""
        first = self.length
        self.length += count
        if self.length > self.seen.shape[1]:
            self._grow(2 * self.length)
        return slice(first, self.length)

    def mask(self, width: int) -> Tensor:
        """Over the scores of the first `width` slots: [B, 1, width, length], 0 where seen and -inf elsewhere."""
        seen = self.seen.numpy().reshape(len(self.positions), 1, self.num_beams, -1)
        # A slot without a beam sees nothing, and what is made of nothing is not read.
        mask = np.where(seen[:, :, :width, : self.length], np.float32(0), np.float32("-inf"))
        return torch.from_numpy(mask).to(self.sources[0])

    def _grow(self, capacity: int) -> None:
        used = self.seen.shape[1]
        self.seen = torch.nn.functional.pad(self.seen, (0, capacity - used))
        for depth, cache in enumerate(self.targets):
            wider = cache.new_empty(len(cache), capacity, *cache.shape[2:])
            wider[:, :used] = cache
            self.targets[depth] = wider


def _kept(tensor: Tensor, rows: list[int]) -> Tensor:
    """Some rows, ascending; on a CPU moved to the front of the memory they are in, which is faster than a copy."""
    if tensor.device.type != "cpu":
        return tensor[rows]
    for place, row in enumerate(rows):
        if place != row:
            tensor[place].copy_(tensor[row])
    return tensor[: len(rows)]
