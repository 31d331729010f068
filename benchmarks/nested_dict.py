"""The usual trie: a dict a node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Node = dict[int, Any]
"""Token id -> Node; where a name ends, end token id -> index of the name."""


def build_nested_dict(sequences: Iterable[Sequence[int]], end_token_id: int) -> Node:
    """Insert sequences of token ids one after the other."""
    root: Node = {}
    for name_index, sequence in enumerate(sequences):
        node = root
        for token_id in sequence:
            child = node.get(token_id)
            if child is None:  # `setdefault` would make a dict for every token
                child = node[token_id] = {}
            node = child
        node.setdefault(end_token_id, name_index)
    return root
