"""A trie in which only some names can be walked to: masked, not built again."""

from __future__ import annotations

import numpy as np

from angel_hf.trie.walkable_trie import Expansion, WalkableTrie


class MaskedTrie(WalkableTrie):
    """The allowed names of a trie; its arrays are those of the whole trie.

    Args:
        trie: the whole one, or a masked one, of whose names those stay that are allowed here too.
        allowed: bool [names], by name index.

    Raises:
        ValueError: no name is allowed, or there are not as many values as names.
    """

    def __init__(self, trie: WalkableTrie, allowed: np.ndarray) -> None:
        super().__init__(*trie.arrays)
        if isinstance(trie, MaskedTrie) and allowed.shape == trie._allowed_names.shape:
            allowed = allowed & trie._allowed_names
        if allowed.shape != (trie.num_names,) or not allowed.any():
            raise ValueError(
                f"{int(allowed.sum())} of {allowed.shape} names are allowed; expected one or more of {trie.num_names}"
            )
        self._allowed_names: np.ndarray = allowed
        self._allowed_nodes = np.zeros(trie.num_nodes, dtype=bool)
        parents = trie.parents()
        nodes = trie.terminal_nodes[allowed[trie.terminal_names]].astype(np.int64)
        while len(nodes):
            self._allowed_nodes[nodes] = True
            nodes = np.unique(parents[nodes[nodes > 0] - 1])
            nodes = nodes[~self._allowed_nodes[nodes]]

    @property
    def masks(self) -> tuple[np.ndarray, np.ndarray]:
        """Which nodes lead to an allowed name, bool [nodes], and which names are allowed, bool [names]."""
        return self._allowed_nodes, self._allowed_names

    def expand(self, nodes: np.ndarray) -> Expansion:
        """The children of `nodes` that lead to an allowed name; see `WalkableTrie.expand`."""
        children = super().expand(nodes)
        kept = self._allowed_nodes[children.node]
        return Expansion(children.row[kept], children.token_id[kept], children.node[kept])

    def name_index(self, nodes: np.ndarray) -> np.ndarray:
        """The allowed name that ends at each of `nodes`, or -1: int64."""
        names = super().name_index(nodes)
        return np.where((names >= 0) & self._allowed_names[names], names, -1)
