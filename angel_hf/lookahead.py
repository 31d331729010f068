"""The decoder of a single mention, fed ahead of the search.

What a pass of a decoder costs for few rows is mostly to read its weights. So tokens that may be asked for later are fed
along with those that the search asks for, and steps whose tokens all have been fed need no pass. The answers are the
same: no token of the search depends on what else was fed. The idea is that of speculative decoding in its form with a
tree of tokens (Miao et al., SpecInfer, arXiv 2305.09781); but the names themselves, and not a second model, tell what
may come next: six of seven nodes of a trie of names have a single child.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from .decoder_state import DecoderState
from .packed_bart import PackedBart
from .trie import NameTrie

# Rows of a pass; with more, products take longer than reading the weights does.
ROWS = 16


class Lookahead:
    """Tokens of one mention that the decoder has been fed, and the log-probabilities of what may follow each.

    A *row* is one fed token with all before it; row 0 is the prefix.

    Args:
        bart: the model.
        trie: the names.
        state: of one mention, after its prefix; changed in place.
        hidden: the hidden state after the prefix [1, D].
        end_token_id: the token that ends a target.
        room: the most tokens of a name, end token included.
    """

    def __init__(
        self, bart: PackedBart, trie: NameTrie, state: DecoderState, hidden: Tensor, end_token_id: int, room: int
    ) -> None:
        self.bart = bart
        self.trie = trie
        self.state = state
        self.end_token_id = end_token_id
        self.room = room
        self._prefix_length = state.length
        # The cached positions of each row's tokens, the prefix left out.
        self._paths: list[tuple[int, ...]] = [()]
        self._row_after: dict[tuple[int, int], int] = {}
        self._beam_rows = np.zeros(1, dtype=np.int64)
        # Of all rows and the tokens that may follow, as row * vocabulary + token, ascending.
        self._followers = np.zeros(0, dtype=np.int64)
        self._logprobs = np.zeros(0, dtype=np.float32)
        self._note(0, hidden, np.array([trie.root]))

    def logprobs(self, beams: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """Log-probabilities of `token_ids` (int64 [n]) after live `beams` (int64 [n]): float32 [n]."""
        wanted = self._beam_rows[beams] * self.bart.head.vocabulary + token_ids
        return self._logprobs[np.searchsorted(self._followers, wanted)]

    def step(self, parents: np.ndarray, token_ids: np.ndarray, nodes: np.ndarray, scores: np.ndarray) -> None:
        """Go on to the next live beams.

        Args:
            parents: int64 [R], the beam that each continues.
            token_ids: int64 [R], its token.
            nodes: int64 [R], where it stands in the trie.
            scores: float32 [R], its summed log-probability.
        """
        wanted = list(zip(self._beam_rows[parents].tolist(), token_ids.tolist()))
        if not all(one in self._row_after for one in wanted):
            self._feed(wanted, nodes, scores)
        self._beam_rows = np.array([self._row_after[one] for one in wanted], dtype=np.int64)

    def _feed(self, wanted: list[tuple[int, int]], nodes: np.ndarray, scores: np.ndarray) -> None:
        """Feed what is wanted, as (row before, token), and as many of the tokens after it as there are rows left."""
        first, cached = len(self._paths), self.state.length
        fed: list[tuple[int, int]] = []

        def row_of(before: int, token_id: int, node: int) -> int:
            row = self._row_after.setdefault((before, token_id), len(self._paths))
            if row == len(self._paths):
                self._paths.append((*self._paths[before], cached + len(fed)))
                fed.append((token_id, node))
            return row

        places = [row_of(*one, node) for one, node in zip(wanted, nodes.tolist())]
        steps = len(self._paths[places[0]])
        for parent, token_id, node in zip(*_below(self.trie, nodes, scores, self.room - 1 - steps)):
            if len(fed) >= ROWS:
                break
            places.append(row_of(places[parent], token_id, node))
        token_ids, fed_nodes = np.array(fed, dtype=np.int64).T
        paths = self._paths[first:]
        positions = self._prefix_length + np.array([len(path) - 1 for path in paths])
        hidden = self.bart.step_ahead(self.state, token_ids, positions, self._prefix_length, paths)
        self._note(first, hidden, fed_nodes)

    def _note(self, first: int, hidden: Tensor, nodes: np.ndarray) -> None:
        """Note what may follow the rows from `first` on."""
        children = self.trie.expand(nodes)
        ending = np.flatnonzero(self.trie.name_index(nodes) >= 0)
        row = np.concatenate([children.row, ending])
        token_id = np.concatenate([children.token_id, np.full(len(ending), self.end_token_id)])
        followers = (first + row) * self.bart.head.vocabulary + token_id
        order = np.argsort(followers)
        self._followers = np.concatenate([self._followers, followers[order]])
        self._logprobs = np.concatenate([self._logprobs, self.bart.logprobs(hidden, row, token_id)[order]])


def _below(trie: NameTrie, nodes: np.ndarray, scores: np.ndarray, depth: int) -> tuple[list[int], list[int], list[int]]:
    """Nodes below those of live beams, likeliest first if all children of a node are equally likely.

    Args:
        trie: the names.
        nodes: int64 [R].
        scores: float32 [R].
        depth: the most tokens below.

    Returns:
        For each the place of its parent, among the beams and, after these, what is returned; its token; itself.
    """
    parents, tokens, found, estimates = ([np.zeros(0, dtype=np.int64)] for _ in range(4))
    places, level, estimate = np.arange(len(nodes)), nodes, scores.astype(np.float64)
    count = 0
    for _ in range(min(depth, ROWS)):
        children = trie.expand(level)
        degrees = np.bincount(children.row, minlength=len(level))[children.row]
        below = estimate[children.row] - np.log(degrees)
        # A child among too many is not worth a row.
        kept = np.flatnonzero(degrees <= ROWS)
        kept = kept[np.argsort(-below[kept], kind="stable")[:ROWS]]
        if not len(kept):
            break
        parents.append(places[children.row[kept]])
        tokens.append(children.token_id[kept])
        found.append(children.node[kept])
        estimates.append(below[kept])
        places, level, estimate = len(nodes) + count + np.arange(len(kept)), children.node[kept], below[kept]
        count += len(kept)
    joint = np.concatenate(estimates)
    # A child is never likelier than its parent, so that it comes after it.
    order = np.argsort(-joint, kind="stable")[:ROWS]
    rank = np.full(count, -1)
    rank[order] = len(nodes) + np.arange(len(order))
    parent = np.concatenate(parents)[order]
    below_beam = parent >= len(nodes)
    parent[below_beam] = rank[parent[below_beam] - len(nodes)]
    return parent.tolist(), np.concatenate(tokens)[order].tolist(), np.concatenate(found)[order].tolist()
