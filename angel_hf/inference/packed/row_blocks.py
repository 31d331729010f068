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
        multiple: int = 1,
    ) -> None:
        self.count = count
        self.width = width
        self.rows = np.arange(len(mentions))
        self.full = len(mentions) == count * width
        if not self.full:
            self.rows = np.append(self.rows, np.repeat(self.rows[-1:], -len(mentions) % multiple))
            places = mentions[self.rows] * width + columns[self.rows]
            # Where there is none, the block's own first row, so that no mention that has rows gets another's.
            rows_of = np.searchsorted(mentions, np.repeat(np.arange(count), width)).clip(max=len(mentions) - 1)
            rows_of[places] = np.arange(len(places))
            self.places, self.rows_of = torch.from_numpy(places), torch.from_numpy(rows_of)

    def spread(self, rows: Tensor) -> Tensor:
        """[R, ...] -> [B, width, ...], with the block's first row where there is none."""
        return (rows if self.full else rows.index_select(0, self.rows_of)).unflatten(0, (self.count, self.width))

    def gather(self, block: Tensor) -> Tensor:
        """The inverse: [B, width, ...] -> [R, ...]."""
        rows = block.flatten(0, 1)
        return rows if self.full else rows.index_select(0, self.places)

    def write(self, region: Tensor, rows: Tensor) -> None:
        """Put rows [R, ...] into a region [B, at least width, ...]; what is there else is as in `spread`, or zero."""
        region[:, : self.width] = self.spread(rows)
        region[:, self.width :].zero_()
