"""How long the names below each node of a trie may still become: what bounds the score of an unfinished name.

The score of a finished target is the mean of its L log-probabilities. Let an unfinished one have the sum s, and let no
target below its node be longer than M. All that follows has log-probability 0 or less, so the sum S of any target below
is at most s; as s <= 0 and L <= M,

    score = S / L <= s / L <= s / M.

So with L ** p for L, under a length penalty p >= 0. Down a path s falls or stays, and M does, so the bound does too.
"""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

import numpy as np

from .builder import level_starts
from .name_trie import NameTrie


def score_bound(
    trie: NameTrie,
    node: np.ndarray,
    total: np.ndarray,
    length: np.ndarray | int,
    room: np.ndarray | int,
    length_penalty: float = 1.0,
) -> np.ndarray:
    """What no target that goes on from a node can score more than; all arrays of one shape, or broadcast to it.

    Args:
        trie: the names.
        node: int64, where the target has come to.
        total: float, the sum of its log-probabilities so far.
        length: its tokens so far.
        room: most tokens that a target may have, end token included.
        length_penalty: 0 or more.
    """
    longest = np.minimum(length + node_heights(trie)[node].astype(np.int64) + 1, room)  # one for the end token
    return np.asarray(total / longest**length_penalty)


def node_heights(trie: NameTrie) -> np.ndarray:
    """Tokens of the longest way down from each node, 0 where it has no children: uint16 [nodes].

    Made once and kept as long as the trie lives. Of a trie in which some names are masked it may be more than needed,
    which keeps a bound true.
    """
    with _ONE_AT_A_TIME:
        if trie not in _HEIGHTS:
            _HEIGHTS[trie] = _measure(np.asarray(trie.first_child, dtype=np.int64))
        return _HEIGHTS[trie]


def _measure(first_child: np.ndarray) -> np.ndarray:
    """From the deepest level up: nodes are numbered level by level, and the children of a level are the next one."""
    bounds = level_starts(first_child)
    heights = np.zeros(len(first_child) - 1, dtype=np.uint16)
    for first, last in reversed([*zip(bounds, bounds[1:])][:-1]):
        starts = first_child[first : last + 1]
        parents = np.flatnonzero(np.diff(starts)) + first
        below = heights[starts[0] : starts[-1]]
        heights[parents] = 1 + np.maximum.reduceat(below, first_child[parents] - starts[0])
    return heights


# Threads that begin together all ask first.
_ONE_AT_A_TIME = threading.Lock()
_HEIGHTS: WeakKeyDictionary[NameTrie, np.ndarray] = WeakKeyDictionary()
