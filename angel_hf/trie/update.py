"""Names added to a trie and removed from it; the arrays equal those of a new build.

Nodes keep their order when others are inserted or deleted between them, so a change inserts into the arrays or deletes
from them; the rest follows from the counts of children. The work beyond copying grows with the change.
"""

from __future__ import annotations

import numpy as np

from angel_hf.arrays.ranges import offsets_from_lengths
from angel_hf.trie.builder import narrowest
from angel_hf.trie.stored_trie import TrieArrays, level_starts


def remove_names(trie: TrieArrays, removed: np.ndarray) -> TrieArrays:
    """Remove names, and the nodes that led to nothing else.

    Args:
        trie: the arrays of a trie.
        removed: bool [names], by name index.

    Returns:
        The arrays of a trie of the other names, numbered anew in their order.
    """
    is_removed = removed[trie.terminal_names]
    kept_nodes = trie.terminal_nodes[~is_removed].astype(np.int64)
    dead, parents = _dead_nodes(trie, trie.terminal_nodes[is_removed].astype(np.int64), kept_nodes)
    degrees = np.diff(trie.first_child)
    np.subtract.at(degrees, parents, 1)
    token_ids = np.delete(trie.token_ids, dead)
    number = np.cumsum(~removed) - 1
    return TrieArrays(
        token_ids.astype(narrowest(token_ids), copy=False),
        _first_children(np.delete(degrees, dead)),
        (kept_nodes - np.searchsorted(dead, kept_nodes)).astype(np.uint32),
        number[trie.terminal_names[~is_removed]].astype(np.uint32),
    )


def add_sequences(trie: TrieArrays, added: TrieArrays) -> tuple[TrieArrays, np.ndarray]:
    """Add the names of another trie, numbered after the present ones.

    Args:
        trie: the arrays of a trie.
        added: the arrays of another, usually a small one.

    Returns:
        The arrays of a trie of both, and int64 [names of `added`], the index of each name in it.
    """
    known, place = _match(trie, added)
    inserted = np.flatnonzero(known < 0)
    places = place[inserted]
    parents = known[_parents(added)[inserted - 1]]
    degrees = np.diff(trie.first_child)
    np.add.at(degrees, parents[parents >= 0], 1)
    width = max(trie.token_ids.dtype, added.token_ids.dtype)
    token_ids = np.insert(trie.token_ids.astype(width, copy=False), places, added.token_ids[inserted])
    first_child = _first_children(np.insert(degrees, places, np.diff(added.first_child)[inserted]))

    # The number of each node of either trie in the new one.
    number = np.empty(len(known), dtype=np.int64)
    number[inserted] = places + np.arange(len(inserted))
    old = np.flatnonzero(known >= 0)
    number[old] = known[old] + np.searchsorted(places, known[old], side="right")
    old_terminals = trie.terminal_nodes + np.searchsorted(places, trie.terminal_nodes, side="right")

    terminals = number[added.terminal_nodes]
    position = np.searchsorted(old_terminals, terminals)
    is_new = old_terminals[np.minimum(position, len(old_terminals) - 1)] != terminals
    name_of_added = np.empty(len(terminals), dtype=np.int64)
    name_of_added[added.terminal_names[~is_new]] = trie.terminal_names[position[~is_new]]
    names = np.sort(added.terminal_names[is_new])
    name_of_added[names] = len(old_terminals) + np.arange(len(names))
    new_names = name_of_added[added.terminal_names[is_new]]
    arrays = TrieArrays(
        token_ids,
        first_child,
        np.insert(old_terminals, position[is_new], terminals[is_new]).astype(np.uint32),
        np.insert(trie.terminal_names, position[is_new], new_names).astype(np.uint32),
    )
    return arrays, name_of_added


def _dead_nodes(trie: TrieArrays, removed: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nodes that lead to removed names only, ascending, and the parent of each: int64 each."""
    dead, parents = [], []
    waiting = np.empty(0, dtype=np.int64)  # nodes that have lost children, and how many
    lost = np.empty(0, dtype=np.int64)
    levels = level_starts(trie.first_child)
    for first, last in zip(levels[-2::-1], levels[:0:-1]):
        own = removed[np.searchsorted(removed, first) : np.searchsorted(removed, last)]
        nodes = np.union1d(waiting, own)
        left = trie.first_child[nodes + 1].astype(np.int64) - trie.first_child[nodes]
        left[np.searchsorted(nodes, waiting)] -= lost
        nodes = nodes[left == 0]
        nodes = nodes[~np.isin(nodes, kept[np.searchsorted(kept, first) : np.searchsorted(kept, last)])]
        nodes = nodes[nodes > 0]  # the root stays
        above = np.searchsorted(trie.first_child, nodes, side="right") - 1
        waiting, lost = np.unique(above, return_counts=True)
        dead.append(nodes)
        parents.append(above)
    return np.concatenate(dead[::-1]), np.concatenate(parents[::-1])


def _match(trie: TrieArrays, added: TrieArrays) -> tuple[np.ndarray, np.ndarray]:
    """For each node of `added` its node in the trie, or -1, and the node to insert it before: int64 each."""
    known = np.full(len(added.token_ids), -1)
    place = np.full(len(added.token_ids), -1)
    known[0] = 0
    parents = _parents(added)
    levels = level_starts(added.first_child)
    for first, last in zip(levels[1:], levels[2:]):
        own = parents[first - 1 : last - 1]
        # The children of an inserted node follow those of the node that it is inserted before.
        lowest = trie.first_child[np.where(known[own] < 0, place[own], known[own])].astype(np.int64)
        highest = np.where(known[own] < 0, lowest, trie.first_child[known[own] + 1])
        token_ids = added.token_ids[first:last]
        found = _search_within(trie.token_ids, lowest, highest, token_ids)
        is_known = found < highest
        is_known[is_known] = trie.token_ids[found[is_known]] == token_ids[is_known]
        known[first:last] = np.where(is_known, found, -1)
        place[first:last] = found
    return known, place


def _search_within(values: np.ndarray, first: np.ndarray, last: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Binary search in many ranges at once: the first position in each whose value is not below the key."""
    first, last = first.copy(), last.copy()
    while len(open_ := np.flatnonzero(first < last)):
        middle = (first[open_] + last[open_]) // 2
        is_below = values[middle] < keys[open_]
        first[open_[is_below]] = middle[is_below] + 1
        last[open_[~is_below]] = middle[~is_below]
    return first


def _parents(trie: TrieArrays) -> np.ndarray:
    """The parent of node 1, 2, ...: int64 [nodes - 1]."""
    return np.repeat(np.arange(len(trie.token_ids)), np.diff(trie.first_child))


def _first_children(degrees: np.ndarray) -> np.ndarray:
    return (offsets_from_lengths(degrees) + 1).astype(np.uint32)
