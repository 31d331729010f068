"""Sequences of token ids into the flat arrays of a trie: sorted once, then laid out level by level."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from angel_hf.trie.stored_trie import TrieArrays

_WORD_BITS = 64
# Finished sequences are dropped when less than this share is unfinished.
_LEAST_UNFINISHED = 0.7


class _SortedSequences(NamedTuple):
    """n sequences in lexicographic order, a prefix before what it begins.

    Attributes:
        order: int64 [n], the sequence at each rank.
        length: int32 [n], its number of tokens.
        shared: int32 [n], the length of the prefix that it shares with the sequence before; all of an equal one.
        symbols: unsigned [total], every token id + 1, in the given order.
    """

    order: np.ndarray
    length: np.ndarray
    shared: np.ndarray
    symbols: np.ndarray


def build_arrays(token_ids: np.ndarray, offsets: np.ndarray) -> tuple[TrieArrays, np.ndarray]:
    """Build from sequences laid end to end; see `NameTrie.build`.

    Each sequence adds the nodes after the prefix that it shares with its predecessor in lexicographic order. So the
    nodes of a level follow from comparing neighbours, and need no sort of their own.
    """
    rows = _sorted(token_ids, offsets)
    is_repeat = rows.shared == rows.length
    ranks = np.flatnonzero(~is_repeat)
    start, length, shared = offsets[rows.order[ranks]], rows.length[ranks], rows.shared[ranks]
    # Names end level by level, and on each level in order.
    terminal_ranks = ranks[np.argsort(length.astype(np.min_scalar_type(length.max())), kind="stable")]
    nodes = int((length - shared).sum(dtype=np.int64)) + 1  # the root shares nothing
    first_child = np.empty(nodes + 1, dtype=np.uint32)
    first_child[0], first_child[nodes] = 1, nodes
    level_tokens = np.empty(nodes, dtype=narrowest(token_ids))
    level_tokens[0] = 0
    terminal_nodes = []
    first_node, depth = 1, 0
    while first_node < nodes:
        depth += 1
        is_unfinished = length > depth
        new = np.flatnonzero((shared < depth) & (length >= depth))  # with a node of its own on this level
        nodes_here = slice(first_node, first_node + len(new))
        np.subtract(rows.symbols[start[new] + (depth - 1)], 1, out=level_tokens[nodes_here])
        # The children of this level's nodes follow the level, in the same order.
        children = np.cumsum((is_unfinished & (shared <= depth)).astype(np.uint32), dtype=np.uint32)[new]
        has_own_child = is_unfinished[new]
        children -= has_own_child  # count those before a node's own child
        np.add(children, np.uint32(nodes_here.stop), out=first_child[nodes_here])
        terminal_nodes.append(np.flatnonzero(~has_own_child).astype(np.uint32) + np.uint32(first_node))
        if np.count_nonzero(is_unfinished) < _LEAST_UNFINISHED * len(is_unfinished):
            left = np.flatnonzero(is_unfinished)
            start, length, shared = start[left], length[left], shared[left]
        first_node = nodes_here.stop
    names, name_of_sequence = _number_names(rows.order, is_repeat, terminal_ranks)
    return TrieArrays(level_tokens, first_child, np.concatenate(terminal_nodes), names), name_of_sequence


def _sorted(token_ids: np.ndarray, offsets: np.ndarray) -> _SortedSequences:
    """Sort by as many tokens as a machine word holds, then ties by the next ones, and so on.

    The number of a tied group is the upper part of the word, so that one sort of integers serves all groups.
    """
    count = len(offsets) - 1
    lengths = np.diff(offsets).astype(np.int32)
    symbols = _symbols(token_ids)
    bits = (int(token_ids.max()) + 1).bit_length()
    order = np.arange(count)
    shared = np.full(count, np.iinfo(np.int32).max, dtype=np.int32)
    shared[0] = 0
    # The ranks still open, the sequences there now, and the tied group of each.
    ranks, rows, group, depth = np.arange(count), np.arange(count), np.zeros(count, dtype=np.uint64), 0
    while len(ranks):
        per_word = max(1, (_WORD_BITS - int(group[-1]).bit_length()) // bits)
        keys = _keys(symbols, offsets[rows] + depth, lengths[rows] - depth, group, per_word, bits)
        by_key = np.argsort(keys)
        keys, rows = keys[by_key], rows[by_key]
        order[ranks] = rows
        differing = keys[1:] ^ keys[:-1]
        is_new = differing != 0
        within = np.flatnonzero(is_new & (group[1:] == group[:-1]))
        shared[ranks[within + 1]] = depth + _common_symbols(differing[within], per_word, bits)
        depth += per_word
        starts_group = np.concatenate([[True], is_new])
        is_tied = ~(starts_group & np.concatenate([is_new, [True]]))
        is_open = is_tied & (lengths[rows] >= depth)  # all of a tied group have ended, or none
        group = (np.cumsum(starts_group & is_open) - 1)[is_open].astype(np.uint64)
        ranks, rows = ranks[is_open], rows[is_open]
    length = lengths[order]
    # Equal sequences were compared beyond their ends.
    return _SortedSequences(order, length, np.minimum(shared, length), symbols)


def _symbols(token_ids: np.ndarray) -> np.ndarray:
    """Every token id + 1, in the narrowest type, followed by zeros enough for `_keys` to read past the end."""
    symbols = np.zeros(len(token_ids) + _WORD_BITS, dtype=np.min_scalar_type(int(token_ids.max()) + 1))
    # The sums may need a wider type than the ids.
    symbols[: len(token_ids)] = token_ids
    symbols[: len(token_ids)] += 1
    return symbols


def _keys(
    symbols: np.ndarray, at: np.ndarray, left: np.ndarray, group: np.ndarray, per_word: int, bits: int
) -> np.ndarray:
    """The tied group of each sequence and its next symbols as one word: uint64 [n].

    Zeros follow the end of a sequence, which sort it before those that it begins.

    Args:
        symbols: see `_symbols`.
        at: int64 [n], the position of the next symbol of each sequence.
        left: int32 [n], its number of symbols left.
        group: uint64 [n].
        per_word: symbols to take.
        bits: bits of one symbol.
    """
    keys = group.copy()
    for ahead in range(per_word):
        keys <<= np.uint64(bits)
        keys |= symbols[ahead:][at] * (left > ahead)
    return keys


def _common_symbols(differing: np.ndarray, per_word: int, bits: int) -> np.ndarray:
    """The length of the common prefix of two words in symbols, from their exclusive or: int32 [n]."""
    common = np.zeros(len(differing), dtype=np.int32)
    for symbols in range(1, per_word):
        common += differing < np.uint64(1 << (per_word - symbols) * bits)
    return common


def _number_names(
    order: np.ndarray, is_repeat: np.ndarray, terminal_ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Number names by the first occurrence of their sequences.

    Args:
        order: int64 [n], the sequence at each rank.
        is_repeat: bool [n], whether it equals the one at the rank before.
        terminal_ranks: int32 [names], the first rank of each name's sequences, by terminal node.

    Returns:
        The name index of each terminal node, uint32 [names], and of each sequence, int64 [n].
    """
    if not is_repeat.any():
        return order[terminal_ranks].astype(np.uint32), np.arange(len(order))
    first_sequence = np.minimum.reduceat(order, np.flatnonzero(~is_repeat))
    is_first = np.zeros(len(order), dtype=bool)
    is_first[first_sequence] = True
    names = (np.cumsum(is_first) - 1)[first_sequence]  # of each distinct sequence, in sorted order
    name_of_rank = names[np.cumsum(~is_repeat) - 1]
    name_of_sequence = np.empty(len(order), dtype=np.int64)
    name_of_sequence[order] = name_of_rank
    return name_of_rank[terminal_ranks].astype(np.uint32), name_of_sequence


def narrowest(token_ids: np.ndarray) -> type[np.unsignedinteger]:
    """The narrowest type that a trie stores token ids in."""
    return np.uint16 if int(token_ids.max()).bit_length() <= 16 else np.uint32
