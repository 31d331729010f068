"""The plain trie that ours is compared with: a dict a node."""

import numpy as np
from hypothesis import strategies as st

from angel_hf.trie.walkable_trie import WalkableTrie

END = "end"

token_ids = st.one_of(st.integers(0, 2), st.integers(0, 70_000))
key_sets = st.lists(st.lists(token_ids, min_size=1, max_size=6), min_size=1, max_size=30)


def nested_dict(sequences: list[list[int]]) -> dict:
    """The reference: a dict a node, END -> the rank of the sequence among distinct ones."""
    root: dict = {}
    for name_index, sequence in enumerate(dict.fromkeys(map(tuple, sequences))):
        node = root
        for token_id in sequence:
            node = node.setdefault(token_id, {})
        node[END] = name_index
    return root


def assert_equal_tries(trie: WalkableTrie, expected: dict) -> None:
    """Walk both from the root, all nodes of a depth in one expansion."""
    level = [(trie.root, expected)]
    seen = 0
    while level:
        nodes = np.array([node for node, _ in level])
        seen += len(nodes)
        assert trie.name_index(nodes).tolist() == [children.get(END, -1) for _, children in level]
        expansion = trie.expand(nodes)
        tokens = [sorted(token for token in children if token != END) for _, children in level]
        assert expansion.row.tolist() == [row for row, own in enumerate(tokens) for _ in own]
        assert expansion.token_id.tolist() == [token for own in tokens for token in own]
        level = [
            (int(node), level[row][1][token])
            for row, token, node in zip(*(array.tolist() for array in expansion), strict=True)
        ]
    assert seen == trie.num_nodes
