"""A trie as tensors, on the device of a search."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import torch
from torch import Tensor

from .heights import node_heights
from .name_trie import NameTrie


class TrieTensors:
    """The arrays of a trie, shared with it on a CPU; see `StoredTrie` for their meaning.

    All results are int64, of the shape of the nodes that are asked about.

    Args:
        trie: whole, or masked: what its masks leave out, `is_allowed` reports.
        device: of the tensors.
    """

    def __init__(self, trie: NameTrie, device: torch.device) -> None:
        self._trie = trie
        self._device = device
        self._token_ids, self._token_mask = self._on_device(trie.token_ids), (1 << 8 * trie.token_ids.itemsize) - 1
        self._first_child = self._on_device(trie.first_child)
        self._terminal_nodes = self._on_device(trie.terminal_nodes)
        self._terminal_names = self._on_device(trie.terminal_names)
        self._heights: Tensor | None = None
        masks = getattr(trie, "masks", None)
        self._allowed_nodes = self._on_device(masks[0]) if masks else None
        self._allowed_names = self._on_device(masks[1]) if masks else None

    def first_child(self, nodes: Tensor) -> Tensor:
        """The first child of each node; its last is the one before `first_child(nodes + 1)`."""
        return self._first_child[nodes].long()

    def token_id(self, nodes: Tensor) -> Tensor:
        """The token that leads to each node."""
        return self._token_ids[nodes].long() & self._token_mask

    def name_index(self, nodes: Tensor) -> Tensor:
        """The allowed name that ends at each node, or -1."""
        place = torch.searchsorted(self._terminal_nodes, nodes.to(self._terminal_nodes.dtype))
        place = place.clamp_(max=len(self._terminal_nodes) - 1)
        name = self._terminal_names[place].long()
        is_name = self._terminal_nodes[place] == nodes
        if self._allowed_names is not None:
            is_name &= self._allowed_names[name]
        return torch.where(is_name, name, -1)

    def is_allowed(self, nodes: Tensor) -> Tensor | None:
        """Whether each node leads to an allowed name; None where all do."""
        return None if self._allowed_nodes is None else self._allowed_nodes[nodes]

    def height(self, nodes: Tensor) -> Tensor:
        """Tokens of the longest way down from each node; see `heights`."""
        if self._heights is None:
            self._heights = self._on_device(node_heights(self._trie))
        return self._heights[nodes].long() & 0xFFFF

    def _on_device(self, array: np.ndarray) -> Tensor:
        # torch cannot index by all unsigned types; a signed view of the same bytes is masked after it is read.
        signed = {np.dtype(np.uint16): np.int16, np.dtype(np.uint32): np.int32, np.dtype(np.uint64): np.int64}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of read-only memory, to which nothing is written
            return torch.from_numpy(array.view(signed.get(array.dtype, array.dtype))).to(self._device)


def trie_tensors(trie: NameTrie, device: torch.device) -> TrieTensors:
    """The tensors of a trie on a device, made once and kept as long as the trie lives."""
    with _ONE_AT_A_TIME:
        of_trie: dict[torch.device, TrieTensors] = trie.__dict__.setdefault("_tensors", {})
        if device not in of_trie:
            of_trie[device] = TrieTensors(trie, device)
        return of_trie[device]


_ONE_AT_A_TIME = threading.Lock()
