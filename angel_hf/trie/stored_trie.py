"""All names of a knowledge base as a trie over token ids, in flat sorted arrays: opened, and searched on a device."""

from __future__ import annotations

import threading
import warnings
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..arrays.array_file import file_in, fingerprint, open_arrays, save_arrays

TRIE_FILE = "trie.safetensors"
_FORMAT = "angel-trie-1"
# More have their names looked up in sorted order, which takes no memory.
_MOST_NODES_WITH_NAMES = 1 << 22
_LOCK = threading.RLock()  # threads that start together all need heights and tensors first

_Trie = TypeVar("_Trie", bound="StoredTrie")


class TrieArrays(NamedTuple):
    """The arrays of a `StoredTrie`."""

    token_ids: np.ndarray  # unsigned [nodes]; the token that leads to each node (0 at the root, unused)
    first_child: np.ndarray  # uint32 [nodes + 1]
    terminal_nodes: np.ndarray  # uint32 [names], ascending
    terminal_names: np.ndarray  # uint32 [names]; the index of the name that ends at each terminal node


class StoredTrie:
    """Sequences of token ids, as nodes numbered level by level (breadth first).

    So the children of `node` are the nodes `first_child[node]` up to `first_child[node + 1]`, by token id, as in a
    compressed sparse row matrix. Node 0 is the root. A node at which a name ends is *terminal*; it may have children
    too. The end token is not stored. The arguments are those of `TrieArrays`.
    """

    root = 0

    def __init__(
        self, token_ids: np.ndarray, first_child: np.ndarray, terminal_nodes: np.ndarray, terminal_names: np.ndarray
    ) -> None:
        self.token_ids = token_ids
        self.first_child = first_child
        self.terminal_nodes = terminal_nodes
        self.terminal_names = terminal_names
        self.opened: dict[str, str] = {}
        self._heights: np.ndarray | None = None
        self._tensors: dict[torch.device, TrieTensors] = {}

    @property
    def num_nodes(self) -> int:
        """Number of nodes, root included."""
        return len(self.token_ids)

    @property
    def num_names(self) -> int:
        """Number of distinct sequences."""
        return len(self.terminal_nodes)

    @property
    def arrays(self) -> TrieArrays:
        """The four arrays together."""
        return TrieArrays(self.token_ids, self.first_child, self.terminal_nodes, self.terminal_names)

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of the contents; of a file, as recorded in it, see `load`."""
        return fingerprint(self.arrays._asdict())

    @property
    def heights(self) -> np.ndarray:
        """Tokens of the longest way down from each node, masked names included: uint16 [nodes]."""
        with _LOCK:
            if self._heights is None:
                self._heights = _measure_heights(np.asarray(self.first_child, dtype=np.int64))
            return self._heights

    @property
    def masks(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Which nodes lead to an allowed name, and which names are allowed: bool each; None where all are."""
        return None

    def tensors(self, device: torch.device) -> TrieTensors:
        """The trie on a device, made once for each."""
        with _LOCK:
            if device not in self._tensors:
                self._tensors[device] = TrieTensors(self, device)
            return self._tensors[device]

    def save(self, path: str | Path, metadata: dict[str, str] | None = None) -> Path:
        """Write to a `.safetensors` file, or to `trie.safetensors` in a directory."""
        path = file_in(path, TRIE_FILE)
        metadata = (metadata or {}) | {"format": _FORMAT, "fingerprint": self.fingerprint}
        save_arrays(path, self.arrays._asdict(), self.sealed(metadata))
        return path

    def sealed(self, metadata: dict[str, str]) -> dict[str, str]:
        """The metadata as they are saved: those it was opened with, unless others are given."""
        return self.opened if metadata.items() <= self.opened.items() else metadata

    @classmethod
    def load(cls: type[_Trie], path: str | Path) -> tuple[_Trie, dict[str, str]]:
        """Open what `save` wrote, memory-mapped, with the metadata given to it.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another format.
        """
        path = file_in(path, TRIE_FILE)
        arrays, metadata = open_arrays(path, dict.fromkeys(TrieArrays._fields, np.unsignedinteger))
        if metadata.get("format") != _FORMAT:
            raise ValueError(f"{path}: format {metadata.get('format')!r}; expected {_FORMAT!r}: build the trie again")
        trie = cls(*(arrays[name] for name in TrieArrays._fields))
        # Cheap on a mapped file: the shapes and ends, not the contents.
        sizes = len(trie.first_child) - trie.num_nodes, len(trie.terminal_nodes) - len(trie.terminal_names)
        if sizes != (1, 0) or trie.num_nodes < 2 or trie.first_child[-1] != trie.num_nodes:
            raise ValueError(f"{path}: its arrays do not fit each other; the file is damaged: build the trie again")
        if "fingerprint" in metadata:
            trie.fingerprint = metadata["fingerprint"]
        trie.opened = metadata
        return trie, metadata


class TrieTensors:
    """The arrays of a trie, shared with it on a CPU; see `TrieArrays`.

    All results are of the shape of the given nodes, int64 unless said.

    Args:
        trie: whole, or masked: what its masks leave out, `is_allowed` reports.
        device: of the tensors.
    """

    def __init__(self, trie: StoredTrie, device: torch.device) -> None:
        self._trie = trie
        self._device = device
        self._token_ids, self._token_mask = self._on_device(trie.token_ids), (1 << 8 * trie.token_ids.itemsize) - 1
        self._first_child, self._terminal_nodes, self._terminal_names = map(self._on_device, trie.arrays[1:])
        self._heights: Tensor | None = None
        self._names: Tensor | None = None
        self._allowed_nodes = self._allowed_names = None
        if trie.masks is not None:
            self._allowed_nodes, self._allowed_names = map(self._on_device, trie.masks)
        if trie.num_nodes <= _MOST_NODES_WITH_NAMES:
            names = np.full(trie.num_nodes, -1, dtype=np.int32)
            names[trie.terminal_nodes] = trie.terminal_names
            self._names = self._on_device(names)

    def first_child(self, nodes: Tensor) -> Tensor:
        """The first child of each node (int32); its last is the one before `first_child(nodes + 1)`."""
        return self._first_child.take(nodes)

    def token_id(self, nodes: Tensor) -> Tensor:
        """The token that leads to each node."""
        return self._token_ids.take(nodes).long() & self._token_mask

    def name_index(self, nodes: Tensor) -> Tensor:
        """The allowed name that ends at each node, or -1."""
        if self._names is not None:
            name = self._names.take(nodes).long()
        else:
            place = torch.searchsorted(self._terminal_nodes, nodes.to(self._terminal_nodes.dtype))
            place = place.clamp_(max=len(self._terminal_nodes) - 1)
            is_name = self._terminal_nodes.take(place) == nodes
            name = self._terminal_names.take(place).long().where(is_name, -1)
        if self._allowed_names is not None:
            name = name.where(self._allowed_names.take(name.clamp(min=0)), -1)
        return name

    def is_allowed(self, nodes: Tensor) -> Tensor | None:
        """Whether each node leads to an allowed name; None where all do."""
        return None if self._allowed_nodes is None else self._allowed_nodes.take(nodes)

    def height(self, nodes: Tensor) -> Tensor:
        """Tokens of the longest way down from each node; see `StoredTrie.heights`."""
        if self._heights is None:
            self._heights = self._on_device(self._trie.heights)
        return self._heights.take(nodes).long() & 0xFFFF

    def _on_device(self, array: np.ndarray) -> Tensor:
        # torch cannot index by all unsigned types; a signed view of the same bytes is masked after it is read.
        signed = {np.dtype(np.uint16): np.int16, np.dtype(np.uint32): np.int32, np.dtype(np.uint64): np.int64}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of read-only memory, to which nothing is written
            return torch.from_numpy(array.view(signed.get(array.dtype, array.dtype))).to(self._device)


def level_starts(first_child: np.ndarray) -> list[int]:
    """The first node of each level, the root's first, and the number of nodes at the end."""
    starts = [0]
    while starts[-1] < len(first_child) - 1:
        starts.append(int(first_child[starts[-1]]))
    return starts


def _measure_heights(first_child: np.ndarray) -> np.ndarray:
    """From the deepest level up: nodes are numbered level by level, and the children of a level are the next one."""
    bounds = level_starts(first_child)
    heights = np.zeros(len(first_child) - 1, dtype=np.uint16)
    for first, last in reversed([*zip(bounds, bounds[1:])][:-1]):
        starts = first_child[first : last + 1]
        parents = np.flatnonzero(np.diff(starts)) + first
        below = heights[starts[0] : starts[-1]]
        heights[parents] = 1 + np.maximum.reduceat(below, first_child[parents] - starts[0])
    return heights
