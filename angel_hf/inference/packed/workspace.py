"""Memory that is used again.

A system hands out fresh memory page by page as it is first written to, which takes longer than the writing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class Workspace:
    """Blocks of memory that were taken and given back."""

    def __init__(self) -> None:
        self._free: list[Tensor] = []

    def take(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """A tensor of a shape, with whatever was in its memory, of the type and on the device of another."""
        size = math.prod(shape)
        fitting = [block for block in self._free if block.dtype == like.dtype and block.device == like.device]
        # The largest is not always the one that wastes least, but as batches are alike, so are their blocks.
        block = max(fitting, key=len, default=None)
        if block is not None:
            self._free = [one for one in self._free if one is not block]
        if block is None or len(block) < size:
            block = torch.empty(size, dtype=like.dtype, device=like.device)
        return block[:size].view(*shape)

    def give_back(self, tensors: Sequence[Tensor]) -> None:
        """Take back tensors that nobody uses any more, or views of what lies at their memory's beginning."""
        for tensor in tensors:
            size = tensor.untyped_storage().nbytes() // tensor.element_size()
            self._free.append(tensor.as_strided((size,), (1,), storage_offset=0))
