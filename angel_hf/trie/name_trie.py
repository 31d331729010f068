"""All names of a knowledge base as a trie over token ids, in flat sorted arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arrays.array_file import fingerprint, offsets_from_lengths, open_arrays, ranges, save_arrays
from ..arrays.content_check import digest_metadata, sample_is_intact
from .builder import TrieArrays, build_arrays
from .update import add_sequences, remove_names

TRIE_FILE = "trie.safetensors"
_FORMAT = "angel-trie-1"


class Expansion(NamedTuple):
    """The children of several nodes, one after the other; all arrays int64 [number of children].

    Attributes:
        row: which of the given nodes this is a child of, by its position among them.
        token_id: the token that leads to the child.
        node: the child.
    """

    row: np.ndarray
    token_id: np.ndarray
    node: np.ndarray


class NameTrie:
    """Sequences of token ids, as nodes numbered level by level (breadth first).

    Numbered so, the children of a node are neighbours: those of `node` are the nodes
    `first_child[node]` up to `first_child[node + 1]`, in order of their token ids, as in a
    compressed sparse row matrix. Node 0 is the root. A node at which a name ends is *terminal*; it
    may have children too, when the name begins others. The end token is not stored.

    Args:
        token_ids: [nodes] unsigned; the token that leads to each node (0 at the root, unused).
        first_child: uint32 [nodes + 1].
        terminal_nodes: uint32 [names], ascending.
        terminal_names: uint32 [names], the index of the name that ends at each terminal node.
    """

    root = 0

    def __init__(
        self, token_ids: np.ndarray, first_child: np.ndarray, terminal_nodes: np.ndarray, terminal_names: np.ndarray
    ) -> None:
        self.token_ids = token_ids
        self.first_child = first_child
        self.terminal_nodes = terminal_nodes
        self.terminal_names = terminal_names
        self._sample_is_intact = False

    @property
    def num_nodes(self) -> int:
        """Number of nodes, root included."""
        return len(self.token_ids)

    @property
    def num_names(self) -> int:
        """Number of distinct sequences."""
        return len(self.terminal_nodes)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self._arrays().values())

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of the contents; of a file, as recorded in it, see `load`."""
        return fingerprint(self._arrays())

    def is_intact(self, sample_suffices: bool = False) -> bool:
        """Whether the contents are those that the fingerprint was made of; reads all of a mapped file.

        Args:
            sample_suffices: do not read a file of which `load` found a sample to be intact.
        """
        if sample_suffices and self._sample_is_intact:
            return True
        return fingerprint(self._arrays()) == self.fingerprint

    def __repr__(self) -> str:
        return f"NameTrie({self.num_names:,} names, {self.num_nodes:,} nodes, {self.nbytes:,} bytes)"

    # Building

    @classmethod
    def from_sequences(cls, sequences: Sequence[Sequence[int]]) -> NameTrie:
        """Build from lists of token ids; see `build`, of which this is the convenient form."""
        lengths = [len(sequence) for sequence in sequences]
        flat = np.fromiter((token for sequence in sequences for token in sequence), dtype=np.int64, count=sum(lengths))
        return cls.build(flat, offsets_from_lengths(lengths))[0]

    @classmethod
    def build(cls, token_ids: np.ndarray, offsets: np.ndarray) -> tuple[NameTrie, np.ndarray]:
        """Build from sequences laid end to end; see `trie_builder` for the way.

        Args:
            token_ids: integers [total], all >= 0.
            offsets: int64 [sequences + 1]; sequence i is `token_ids[offsets[i] : offsets[i + 1]]`.

        Returns:
            The trie, and int64 [sequences]: the name index of each sequence. Equal sequences share
            an index; indexes count from 0 in the order in which distinct sequences first come.

        Raises:
            ValueError: there are no sequences, one is empty, or a token id is negative.
        """
        lengths = np.diff(offsets)
        if len(lengths) == 0 or lengths.min() == 0:
            where = "none came" if len(lengths) == 0 else f"sequence {int(lengths.argmin())} is empty"
            raise ValueError(f"a trie needs at least one sequence, each with a token; {where}")
        if token_ids.min() < 0:
            raise ValueError(f"token ids must be 0 or more, got {int(token_ids.min())}")
        arrays, name_of_sequence = build_arrays(token_ids, offsets)
        return cls(*arrays), name_of_sequence

    # Changing

    def without_names(self, removed: np.ndarray) -> NameTrie:
        """A trie of the other names, numbered anew in their order; equal to one built of them.

        Args:
            removed: bool [names], by name index.

        Raises:
            ValueError: no name would be left, or there are not as many values as names.
        """
        if removed.shape != (self.num_names,) or removed.all():
            raise ValueError(
                f"{int(removed.sum())} of {removed.shape} names are to be removed; expected fewer than all of "
                f"{self.num_names}"
            )
        return NameTrie(*remove_names(self._trie_arrays(), removed))

    def with_sequences(self, token_ids: np.ndarray, offsets: np.ndarray) -> tuple[NameTrie, np.ndarray]:
        """A trie of these names and more; equal to one built of all.

        Args:
            token_ids, offsets: sequences laid end to end, as `build` takes them.

        Returns:
            The trie, and int64 [sequences]: the name index of each, that of a name which was there, or the next.

        Raises:
            ValueError: as `build`.
        """
        added, name_of_sequence = NameTrie.build(token_ids, offsets)
        arrays, name_of_added = add_sequences(self._trie_arrays(), added._trie_arrays())
        return NameTrie(*arrays), name_of_added[name_of_sequence]

    def renumbered(self, name_indices: np.ndarray) -> NameTrie:
        """The same trie with other indices of names: int [names], the new one of each."""
        names = name_indices[self.terminal_names].astype(np.uint32)
        return NameTrie(self.token_ids, self.first_child, self.terminal_nodes, names)

    # Walking

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
        """The index of the name that is written so, without end token; -1 where there is none."""
        node = self.root
        for token_id in token_ids:
            first, last = int(self.first_child[node]), int(self.first_child[node + 1])
            node = first + int(np.searchsorted(self.token_ids[first:last], token_id))
            if node == last or self.token_ids[node] != token_id:
                return -1
        return int(self.name_index(np.array([node]))[0])

    def sequences(self) -> list[list[int]]:
        """Every name's token ids, by name index: the inverse of building."""
        degrees = self.first_child[1:].astype(np.int64) - self.first_child[:-1]
        parents = np.repeat(np.arange(self.num_nodes), degrees)
        found: list[list[int]] = [[] for _ in range(self.num_names)]
        for node, name in zip(self.terminal_nodes.tolist(), self.terminal_names.tolist()):
            while node != self.root:
                found[name].append(int(self.token_ids[node]))
                node = int(parents[node - 1])
            found[name].reverse()
        return found

    # Files

    def save(self, path: str | Path, metadata: dict[str, str] | None = None) -> Path:
        """Write to a `.safetensors` file, or to `trie.safetensors` in a directory."""
        path = Path(path)
        path = path if path.suffix == ".safetensors" else path / TRIE_FILE
        arrays = self._arrays()
        own = {"format": _FORMAT, "fingerprint": self.fingerprint} | digest_metadata(arrays)
        save_arrays(path, arrays, (metadata or {}) | own)
        return path

    @classmethod
    def load(cls, path: str | Path) -> tuple[NameTrie, dict[str, str]]:
        """Open what `save` wrote, memory-mapped, with the metadata given to it.

        Of a file of more than 64 MiB a sample is compared with the digests in it; `is_intact` reads all.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another format.
        """
        path = Path(path)
        path = path if path.suffix == ".safetensors" else path / TRIE_FILE
        names = ("token_ids", "first_child", "terminal_nodes", "terminal_names")
        arrays, metadata = open_arrays(path, dict.fromkeys(names, np.integer))
        if metadata.get("format") != _FORMAT:
            raise ValueError(f"{path}: format {metadata.get('format')!r}; expected {_FORMAT!r}: build the trie again")
        trie = cls(*(arrays[name] for name in names))
        # Cheap on a mapped file: the shapes and ends, not the contents.
        sizes = len(trie.first_child) - trie.num_nodes, len(trie.terminal_nodes) - len(trie.terminal_names)
        if sizes != (1, 0) or trie.num_nodes < 2 or trie.first_child[-1] != trie.num_nodes:
            raise ValueError(f"{path}: its arrays do not fit each other; the file is damaged: build the trie again")
        intact = sample_is_intact(trie._arrays(), metadata)
        if intact is False:
            raise ValueError(f"{path}: its contents are not those that were saved, it is damaged: build the trie again")
        trie._sample_is_intact = bool(intact)
        if "fingerprint" in metadata:
            trie.fingerprint = metadata["fingerprint"]
        return trie, metadata

    def _trie_arrays(self) -> TrieArrays:
        return TrieArrays(self.token_ids, self.first_child, self.terminal_nodes, self.terminal_names)

    def _arrays(self) -> dict[str, np.ndarray]:
        return self._trie_arrays()._asdict()
