"""A trie of names that is built and changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from angel_hf.arrays.ranges import offsets_from_lengths
from angel_hf.trie.builder import build_arrays
from angel_hf.trie.update import add_sequences, remove_names
from angel_hf.trie.walkable_trie import WalkableTrie


class NameTrie(WalkableTrie):
    """A `WalkableTrie` that can be built from sequences of token ids, and copied with other names."""

    @classmethod
    def from_sequences(cls, sequences: Sequence[Sequence[int]]) -> NameTrie:
        """Build from lists of token ids; a convenient form of `build`."""
        lengths = [len(sequence) for sequence in sequences]
        flat = np.fromiter((token for sequence in sequences for token in sequence), dtype=np.int64, count=sum(lengths))
        return cls.build(flat, offsets_from_lengths(lengths))[0]

    @classmethod
    def build(cls, token_ids: np.ndarray, offsets: np.ndarray) -> tuple[NameTrie, np.ndarray]:
        """Build from sequences laid end to end.

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
        return NameTrie(*remove_names(self.arrays, removed))

    def with_sequences(self, token_ids: np.ndarray, offsets: np.ndarray) -> tuple[NameTrie, np.ndarray]:
        """A trie of these names and more; equal to one built of all.

        Args:
            token_ids, offsets: sequences laid end to end, as `build` takes them.

        Returns:
            The trie, and int64 [sequences]: the name index of each, that of a known name, or the next.

        Raises:
            ValueError: as `build`.
        """
        added, name_of_sequence = NameTrie.build(token_ids, offsets)
        arrays, name_of_added = add_sequences(self.arrays, added.arrays)
        return NameTrie(*arrays), name_of_added[name_of_sequence]

    def renumbered(self, name_indices: np.ndarray) -> NameTrie:
        """The same trie with other indices of names: int [names], the new one of each."""
        names = name_indices[self.terminal_names].astype(np.uint32)
        return NameTrie(self.token_ids, self.first_child, self.terminal_nodes, names)
