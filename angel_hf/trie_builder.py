"""Sequences of token ids into the flat arrays of a trie: sorted once, then laid out level by level."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_WORD_BITS = 64


class TrieArrays(NamedTuple):
    """The arrays of a `NameTrie`, which tells what they are."""

    token_ids: np.ndarray
    first_child: np.ndarray
    terminal_nodes: np.ndarray
    terminal_names: np.ndarray


class _SortedSequences(NamedTuple):
    """Sequences in lexicographic order, one that begins another before it; n of them.

    Attributes:
        order: int64 [n], which sequence comes at each rank.
        start: int64 [n], where the sequence of each rank starts in `symbols`.
        length: int32 [n], its number of tokens.
        shared: int32 [n], how many of its first tokens it shares with the sequence before; all, for an equal one.
        symbols: unsigned, every token id + 1, and a 0 after each sequence.
    """

    order: np.ndarray
    start: np.ndarray
    length: np.ndarray
    shared: np.ndarray
    symbols: np.ndarray


def build_arrays(token_ids: np.ndarray, offsets: np.ndarray) -> tuple[TrieArrays, np.ndarray]:
    """Build from sequences laid end to end; see `NameTrie.build`, of which this is the work.

    Each sequence adds to the trie the nodes after what it shares with its predecessor in lexicographic order, so that
    the nodes of a level are told by comparing neighbours and need no sort of their own.
    """
    rows = _sorted(token_ids, offsets)
    nodes = int((rows.length - rows.shared).sum(dtype=np.int64)) + 1  # the root shares nothing
    first_child = np.empty(nodes + 1, dtype=np.uint32)
    first_child[0] = 1
    level_tokens = np.empty(nodes, dtype=narrowest(token_ids))
    level_tokens[0] = 0
    terminal_nodes, terminal_ranks = [], []

    # What is left of the sequences that reach the level: their ranks, lengths, shared lengths and starts.
    rank = np.arange(len(rows.order), dtype=np.int32)
    _, start, length, shared, symbols = rows
    first_node, depth = 1, 0
    while len(rank):
        depth += 1
        is_new = shared < depth  # the sequence has a node of its own on this level
        goes_on = length > depth
        has_new_child = goes_on & (shared <= depth)
        last_node = first_node + int(np.count_nonzero(is_new))
        level_tokens[first_node:last_node] = symbols[start[is_new] + (depth - 1)] - 1
        # The children of this level's nodes follow it, in the same order.
        children_before = np.cumsum(has_new_child, dtype=np.uint32) - has_new_child
        first_child[first_node:last_node] = children_before[is_new] + np.uint32(last_node)
        ends = np.flatnonzero(is_new & ~goes_on)
        terminal_nodes.append((np.cumsum(is_new, dtype=np.uint32) - 1)[ends] + np.uint32(first_node))
        terminal_ranks.append(rank[ends])
        rank, start, length, shared = rank[goes_on], start[goes_on], length[goes_on], shared[goes_on]
        first_node = last_node
    first_child[nodes] = nodes
    names, name_of_sequence = _number_names(rows.order, rows.shared == rows.length, np.concatenate(terminal_ranks))
    return TrieArrays(level_tokens, first_child, np.concatenate(terminal_nodes), names), name_of_sequence


def _sorted(token_ids: np.ndarray, offsets: np.ndarray) -> _SortedSequences:
    """Sort by as many tokens as a machine word holds, then what is tied by the next ones, and so on.

    A tied group's number is the upper part of the word, so that one sort of integers serves all groups.
    """
    count = len(offsets) - 1
    lengths = np.diff(offsets)
    starts = offsets[:-1] + np.arange(count)
    bits = (int(token_ids.max()) + 1).bit_length()
    symbols = _with_ends(token_ids, offsets, bits)
    order = np.arange(count)
    shared = np.full(count, np.iinfo(np.int32).max, dtype=np.int32)
    shared[0] = 0
    # The ranks that are still open, the sequences at them now, and the tied group of each.
    ranks, rows, group, depth = np.arange(count), np.arange(count), np.zeros(count, dtype=np.uint64), 0
    while len(ranks):
        per_word = max(1, (_WORD_BITS - int(group[-1]).bit_length()) // bits)
        # What is read beyond the end of a sequence can only part sequences that are equal, and does no harm.
        keys, at = group, starts[rows] + depth
        for ahead in range(per_word):
            keys = (keys << np.uint64(bits)) | symbols[at + ahead]
        by_key = np.argsort(keys)
        keys, rows = keys[by_key], rows[by_key]
        order[ranks] = rows
        differing = keys[1:] ^ keys[:-1]
        is_new = differing != 0
        within = np.flatnonzero(is_new & (group[1:] == group[:-1]))
        shared[ranks[within + 1]] = depth + _common_symbols(differing[within], per_word, bits)
        depth += per_word
        starts_group = np.concatenate([[True], is_new])
        is_alone = starts_group & np.concatenate([is_new, [True]])
        is_open = ~is_alone & (lengths[rows] >= depth)  # all of a tied group have ended, or none
        group = (np.cumsum(starts_group & is_open) - 1)[is_open].astype(np.uint64)
        ranks, rows = ranks[is_open], rows[is_open]
    length = lengths[order].astype(np.int32)
    # Equal sequences share all, whatever was read beyond their ends.
    return _SortedSequences(order, starts[order], length, np.minimum(shared, length), symbols)


def _with_ends(token_ids: np.ndarray, offsets: np.ndarray, bits: int) -> np.ndarray:
    """Every token id + 1, and a 0 after each sequence, which sorts it before those that it begins."""
    count = len(offsets) - 1
    symbols = np.zeros(
        len(token_ids) + count + _WORD_BITS, dtype=f"uint{16 if bits <= 16 else 32 if bits <= 32 else 64}"
    )
    is_token = np.ones(len(token_ids) + count, dtype=bool)
    is_token[offsets[1:] + np.arange(count)] = False
    symbols[: len(is_token)][is_token] = token_ids
    symbols[: len(is_token)] += is_token
    return symbols


def _common_symbols(differing: np.ndarray, per_word: int, bits: int) -> np.ndarray:
    """How many symbols two words begin with alike, from their exclusive or: int32."""
    common = np.zeros(len(differing), dtype=np.int32)
    for symbols in range(1, per_word):
        common += differing < np.uint64(1 << (per_word - symbols) * bits)
    return common


def _number_names(
    order: np.ndarray, is_repeat: np.ndarray, terminal_ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Names counted in the order in which distinct sequences first come.

    Args:
        order: int64 [n], which sequence comes at each rank.
        is_repeat: bool [n], whether it equals the one at the rank before.
        terminal_ranks: int32 [names], the first rank of each name's sequences, by terminal node.

    Returns:
        The name index of each terminal, uint32, and of each sequence, int64.
    """
    if not is_repeat.any():
        return order[terminal_ranks].astype(np.uint32), np.arange(len(order))
    first_sequence = np.minimum.reduceat(order, np.flatnonzero(~is_repeat))
    comes_first = np.zeros(len(order), dtype=bool)
    comes_first[first_sequence] = True
    names = (np.cumsum(comes_first) - 1)[first_sequence]  # of each distinct sequence, as sorted
    name_of_rank = names[np.cumsum(~is_repeat) - 1]
    name_of_sequence = np.empty(len(order), dtype=np.int64)
    name_of_sequence[order] = name_of_rank
    return name_of_rank[terminal_ranks].astype(np.uint32), name_of_sequence


def level_starts(first_child: np.ndarray) -> list[int]:
    """Where each level of a trie starts, the root's first, and the number of nodes at the end."""
    starts = [0]
    while starts[-1] < len(first_child) - 1:
        starts.append(int(first_child[starts[-1]]))
    return starts


def narrowest(token_ids: np.ndarray) -> type[np.unsignedinteger]:
    """The narrowest type that a trie stores token ids in."""
    return np.uint16 if int(token_ids.max()).bit_length() <= 16 else np.uint32
