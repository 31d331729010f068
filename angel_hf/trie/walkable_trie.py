"""A trie that is walked on a CPU: expanded node by node, looked up, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from angel_hf.arrays.array_file import file_in, fingerprint
from angel_hf.arrays.digests import checked, is_large, with_digests
from angel_hf.arrays.ranges import ranges
from angel_hf.trie.stored_trie import TRIE_FILE, StoredTrie

_Walkable = TypeVar("_Walkable", bound="WalkableTrie")


class Expansion(NamedTuple):
    """The children of several nodes, one after the other; all arrays int64 [children]."""

    row: np.ndarray  # the position of the parent among the given nodes
    token_id: np.ndarray  # the token that leads to the child
    node: np.ndarray  # the child


class WalkableTrie(StoredTrie):
    """A `StoredTrie` with what the searches of the package ask of it."""

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.arrays)

    def sealed(self, metadata: dict[str, str]) -> dict[str, str]:
        """The metadata as they are saved, with the digests of the arrays."""
        return with_digests(self.arrays._asdict(), metadata)

    @classmethod
    def load(cls: type[_Walkable], path: str | Path, verify: bool = False) -> tuple[_Walkable, dict[str, str]]:
        """Open what `save` wrote, memory-mapped, with the metadata given to it.

        Args:
            path: the file, or its directory.
            verify: compare all contents with what was saved, not only a sample of them where the file is larger than
                64 MiB. Smaller files are always compared whole.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another format.
        """
        trie, metadata = super().load(path)
        arrays, file = trie.arrays._asdict(), file_in(path, TRIE_FILE)
        trie._is_checked = checked(file, arrays, metadata, metadata.get("fingerprint"), verify=verify)
        if (verify or not is_large(arrays)) and not trie.is_tree():
            raise ValueError(f"{file}: its nodes or names lie outside of it, the file is damaged: build it again")
        return trie, metadata

    _is_checked = False

    def is_intact(self, sample_suffices: bool = False) -> bool:
        """Whether the contents are those of the fingerprint; reads all, unless the check of `load` suffices."""
        is_checked = sample_suffices and self._is_checked
        return is_checked or fingerprint(self.arrays._asdict()) == self.fingerprint

    def is_tree(self) -> bool:
        """Whether every walk ends, at names that are there; reads all but the token ids."""
        children, nodes, names = self.first_child, self.terminal_nodes, self.terminal_names
        return (
            int(children[0]) == 1
            and int(children[-1]) == self.num_nodes
            # A node's children come after it, or a walk could go on for ever; those of the next node after them.
            and bool(np.all(children[:-1] > np.arange(self.num_nodes)))
            and bool(np.all(children[1:] >= children[:-1]))
            and bool(np.all(nodes[1:] > nodes[:-1]))
            and (len(nodes) == 0 or (int(nodes[0]) > 0 and int(nodes[-1]) < self.num_nodes))
            and (len(names) == 0 or (int(names.min()) >= 0 and int(names.max()) < self.num_names))
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.num_names:,} names, {self.num_nodes:,} nodes, {self.nbytes:,} bytes)"

    def expand(self, nodes: np.ndarray) -> Expansion:
        """All children of `nodes` (int [n], repeats allowed) in one step, by row and then token id."""
        starts = self.first_child[nodes].astype(np.int64)
        degrees = self.first_child[nodes + 1].astype(np.int64) - starts
        children = ranges(starts, degrees)
        rows = np.repeat(np.arange(len(nodes)), degrees)
        return Expansion(rows, self.token_ids[children].astype(np.int64), children)

    def name_index(self, nodes: np.ndarray) -> np.ndarray:
        """The name that ends at each of `nodes` (int [n]), or -1: int64 [n]."""
        position = np.searchsorted(self.terminal_nodes, nodes.astype(np.uint32))
        position = np.minimum(position, self.num_names - 1)
        found = self.terminal_nodes[position] == nodes
        return np.where(found, self.terminal_names[position].astype(np.int64), -1)

    def find(self, token_ids: Sequence[int]) -> int:
        """The index of the name with these token ids, end token left out; -1 where there is none."""
        node = self.root
        for token_id in token_ids:
            first, last = int(self.first_child[node]), int(self.first_child[node + 1])
            node = first + int(np.searchsorted(self.token_ids[first:last], token_id))
            if node == last or self.token_ids[node] != token_id:
                return -1
        return int(self.name_index(np.array([node]))[0])

    def parents(self) -> np.ndarray:
        """The parent of node 1, 2, ...: int64 [nodes - 1]."""
        first_child = self.first_child.astype(np.int64)
        return np.repeat(np.arange(self.num_nodes), first_child[1:] - first_child[:-1])

    def sequences(self) -> list[list[int]]:
        """The token ids of every name, by name index."""
        parents = self.parents()
        found: list[list[int]] = [[] for _ in range(self.num_names)]
        for node, name in zip(self.terminal_nodes.tolist(), self.terminal_names.tolist()):
            while node != self.root:
                found[name].append(int(self.token_ids[node]))
                node = int(parents[node - 1])
            found[name].reverse()
        return found

    def score_bound(
        self,
        node: np.ndarray,
        total: np.ndarray,
        length: np.ndarray | int,
        room: np.ndarray | int,
        length_penalty: float = 1.0,
    ) -> np.ndarray:
        """An admissible bound: no target through a node scores more; all arrays broadcast to one shape.

        A finished target of L tokens with the log-probability S scores S / L. Every log-probability is 0 or less, so
        S is at most the sum s so far, and no target below the node has more than M tokens: S / L <= s / L <= s / M.
        So with L ** p for L, p >= 0. Down a path s and M fall or stay, and the bound does too.

        Args:
            node: int64, the last node of the unfinished target.
            total: float, the sum s of its log-probabilities.
            length: its tokens so far.
            room: most tokens of a target, end token included.
            length_penalty: p, 0 or more.
        """
        longest = np.minimum(length + self.heights[node].astype(np.int64) + 1, room)  # one for the end token
        return np.asarray(total / longest**length_penalty)


def walkable(trie: StoredTrie) -> WalkableTrie:
    """The same trie by its whole type; a model of the package has no other kind."""
    assert isinstance(trie, WalkableTrie), "a trie that a saved model's own code opened is not searched here"
    return trie
