"""The caches of the packed decoder between the steps of a search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass
class DecoderState:
    """Keys and values of B mentions, and which of them each of K beams a mention sees; changed in place.

    The self-attention cache of a mention holds its prefix once and then K slots for every step. A beam sees
    the prefix and, of each step, the slot of its own ancestor, as `seen` says. So beams that move
    never copy keys or values.

    Attributes:
        num_beams: K.
        sources: keys and values of the sources, for each layer [B, longest source, 2, H, h].
        source_mask: [B, 1, 1, longest source], 0 where there is a token and -inf elsewhere; None if there is one
            everywhere.
        targets: keys and values of prefixes and beams, for each layer [B, capacity, 2, H, h]; not written from
            `length` on.
        seen: bool [B * K, capacity], the cached positions that each slot attends to.
        length: cached positions in use.
        positions: int64 [B], the position of each mention's next token.
    """

    num_beams: int
    sources: list[Tensor]
    source_mask: Tensor | None
    targets: list[Tensor]
    seen: Tensor
    length: int
    positions: Tensor

    def keep(self, mentions: np.ndarray) -> np.ndarray:
        """Drop all but the given mentions (int64 [n], ascending).

        Returns:
            int64 [n], the mentions as they stand now: the last ones have taken the places of those that left.
        """
        order = _fill_gaps(mentions)
        self.sources[:] = [_compact(tensor, order) for tensor in self.sources]
        self.targets[:] = [_compact(tensor, order, self.length) for tensor in self.targets]
        if self.source_mask is not None:
            self.source_mask = _compact(self.source_mask, order)
        self.positions = self.positions[order]
        self.seen = self.seen.unflatten(0, (-1, self.num_beams))[order].flatten(0, 1)
        return order

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


def _fill_gaps(rows: np.ndarray) -> np.ndarray:
    """The given rows (int64 [n], ascending) in an order in which only those from the nth on leave their place."""
    order = np.arange(len(rows))
    order[~np.isin(order, rows)] = rows[rows >= len(rows)]
    return order


def _compact(tensor: Tensor, order: np.ndarray, used: int | None = None) -> Tensor:
    """Rows as `_fill_gaps` orders them, of which the first `used` entries matter.

    They stay in the memory that they are in, and few are moved, which is faster than a copy.
    """
    for place, row in enumerate(order.tolist()):
        if place != row:
            tensor[place, :used].copy_(tensor[row, :used])
    return tensor[: len(order)]
