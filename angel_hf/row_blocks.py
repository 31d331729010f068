"""Packed rows, and the padded block a mention that attention wants."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class RowBlocks:
    """Where each of R packed rows stands in B blocks of equal width.

    Where no row is missing, as at batch 1 and once all beams live, one form is a view of the other. Otherwise the last
    row may be repeated, which changes nothing, until the number of rows is a round one.

    Args:
        mentions, columns: int64, the block and the place in it of each row, in ascending order.
        count: B.
        width: more than the largest column.
        device: where the rows are.
        multiple: of which R is one, unless the blocks are full.

    Attributes:
        rows: int64 [R], which of the given rows each packed row is.
    """

    def __init__(
        self,
        mentions: np.ndarray,
        columns: np.ndarray,
        count: int,
        width: int,
        device: torch.device,
        multiple: int = 1,
    ) -> None:
        self.count = count
        self.width = width
        self.rows = np.arange(len(mentions))
        self.full = len(mentions) == count * width
        if not self.full:
            self.rows = np.append(self.rows, np.repeat(self.rows[-1:], -len(mentions) % multiple))
            places = np.stack([mentions[self.rows], columns[self.rows]])
            self.places = tuple(torch.from_numpy(places).to(device))

    def spread(self, rows: Tensor) -> Tensor:
        """[R, ...] -> [B, width, ...], zero where there is no row."""
        if self.full:
            return rows.unflatten(0, (self.count, self.width))
        block = rows.new_zeros(self.count, self.width, *rows.shape[1:])
        block[self.places] = rows
        return block

    def gather(self, block: Tensor) -> Tensor:
        """The inverse: [B, width, ...] -> [R, ...]."""
        return block.flatten(0, 1) if self.full else block[self.places]

    def write(self, region: Tensor, rows: Tensor) -> None:
        """Put rows [R, ...] into a region [B, at least width, ...], and zeros where there is no row."""
        if self.full and region.shape[1] == self.width:
            region.copy_(self.spread(rows))
        elif self.full:
            region[:, : self.width] = self.spread(rows)
            region[:, self.width :].zero_()
        else:
            region.zero_()
            region[self.places] = rows
