"""The decoder of a few beams, fed ahead of the search.

What a pass of a decoder costs for few rows is mostly to read its weights. So tokens that may be asked for later are fed
along with those that the search asks for, and steps whose tokens all have been fed need no pass. The answers are the
same: no token of the search depends on what else was fed. The idea is that of speculative decoding in its form with a
tree of tokens (Miao et al., SpecInfer, arXiv 2305.09781); but the names themselves, and not a second model, tell what
may come next: most nodes of a trie of names have a single child.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..inference.packed.decoder_state import DecoderState
from ..inference.packed.engine import PackedBart
from ..trie.name_trie import NameTrie

ROWS = 16
"""Of a pass that is fed ahead; with more, products take longer than reading the weights does."""


def pays(rows: int) -> bool:
    """Whether a pass of so many rows has room for more."""
    return rows <= ROWS


@dataclass(frozen=True, slots=True)
class _Row:
    """A token in the decoder's cache, with all before it.

    Args:
        mention: whose token it is, as a position in the state.
        position: of the token after it, in the target.
        seen: the cached positions that this sees, its own among them.
    """

    mention: int
    position: int
    seen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Live beams that the decoder has to go on to; all arrays [R], ordered by mention.

    Args:
        parent: int64, which beam of the step before each continues.
        mention: int64, its mention's position in the state.
        token_id: int64, its last token.
        node: int64, where it stands in the trie.
        score: float32, its summed log-probability.
        room: int64, the most tokens that may follow, end token included.
    """

    parent: np.ndarray
    mention: np.ndarray
    token_id: np.ndarray
    node: np.ndarray
    score: np.ndarray
    room: np.ndarray


class Lookahead:
    """Tokens that the decoder has been fed, and the log-probabilities of what may follow each.

    Args:
        bart: the model.
        trie: the names.
        state: of some mentions, all of them live; changed in place.
        parents: int64 [R], the slot of each beam that the first wanted ones may continue.
        end_token_id: the token that ends a target.
    """

    def __init__(
        self, bart: PackedBart, trie: NameTrie, state: DecoderState, parents: np.ndarray, end_token_id: int
    ) -> None:
        self.bart = bart
        self.trie = trie
        self.state = state
        self.end_token_id = end_token_id
        self._rows: list[_Row] = []
        for slot in parents.tolist():
            mention = slot // state.num_beams
            seen = np.flatnonzero(state.seen[slot, : state.length].numpy())
            self._rows.append(_Row(mention, int(state.positions[mention]), tuple(seen.tolist())))
        self._row_after: dict[tuple[int, int], int] = {}
        self._beam_rows = np.arange(len(parents))
        # Of all rows and the tokens that may follow, as row * vocabulary + token, ascending.
        self._followers = np.zeros(0, dtype=np.int64)
        self._logprobs = np.zeros(0, dtype=np.float32)

    def logprobs(self, beams: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """Log-probabilities of `token_ids` (int64 [n]) after live `beams` (int64 [n]): float32 [n]."""
        followers = self._beam_rows[beams] * self.bart.head.vocabulary + token_ids
        return self._logprobs[np.searchsorted(self._followers, followers)]

    def step(self, wanted: Wanted) -> None:
        """Go on to the next live beams."""
        keys = list(zip(self._beam_rows[wanted.parent].tolist(), wanted.token_id.tolist()))
        if not all(key in self._row_after for key in keys):
            self._feed(self._chosen(wanted, keys))
        self._beam_rows = np.array([self._row_after[key] for key in keys], dtype=np.int64)

    def _chosen(self, wanted: Wanted, keys: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
        """Number the rows to feed: those that are wanted and, while there is room, some after these.

        Returns:
            For each row the one before it, its token and its node.
        """
        chosen: list[tuple[int, int, int]] = []

        def row_of(before: int, token_id: int, node: int) -> int:
            row = self._row_after.setdefault((before, token_id), len(self._rows) + len(chosen))
            if row == len(self._rows) + len(chosen):
                chosen.append((before, token_id, node))
            return row

        places = [row_of(*key, node) for key, node in zip(keys, wanted.node.tolist())]
        # What follows a beam that was fed ahead may have been fed too, and then takes no row.
        most = ROWS if len(chosen) < len(keys) else ROWS - len(chosen)
        for parent, token_id, node in below(self.trie, wanted, most):
            if len(chosen) >= ROWS:
                break
            places.append(row_of(places[parent], token_id, node))
        return chosen

    def _feed(self, chosen: list[tuple[int, int, int]]) -> None:
        """Feed rows in one pass, and note what may follow them."""
        first, cached = len(self._rows), self.state.length
        mention_of: list[int] = []
        for before, _, _ in chosen:
            mention_of.append(self._rows[before].mention if before < first else mention_of[before - first])
        mentions = np.array(mention_of)
        # The pass wants them by mention; whatever comes before another still does.
        order = np.argsort(mentions, kind="stable")
        sorted_mentions = mentions[order]
        columns = np.empty_like(mentions)
        columns[order] = np.arange(len(order)) - np.searchsorted(sorted_mentions, sorted_mentions)
        for (before, _, _), mention, column in zip(chosen, mention_of, columns.tolist()):
            row = self._rows[before]
            self._rows.append(_Row(mention, row.position + 1, (*row.seen, cached + column)))
        fed = [self._rows[first + place] for place in order]
        hidden = self.bart.step_ahead(
            self.state,
            np.array([chosen[place][1] for place in order]),
            sorted_mentions,
            np.array([row.position - 1 for row in fed]),
            [row.seen for row in fed],
        )
        place_of = np.empty_like(order)
        place_of[order] = np.arange(len(order))
        self._note(first, hidden, place_of, np.array([node for _, _, node in chosen]))

    def _note(self, first: int, hidden: Tensor, place_of: np.ndarray, nodes: np.ndarray) -> None:
        """Note what may follow the rows from `first` on, whose hidden states stand at `place_of`."""
        children = self.trie.expand(nodes)
        ending = np.flatnonzero(self.trie.name_index(nodes) >= 0)
        row = np.concatenate([children.row, ending])
        token_id = np.concatenate([children.token_id, np.full(len(ending), self.end_token_id)])
        followers = (first + row) * self.bart.head.vocabulary + token_id
        order = np.argsort(followers)
        logprobs = self.bart.logprobs(hidden, place_of[row], token_id)
        self._followers = np.concatenate([self._followers, followers[order]])
        self._logprobs = np.concatenate([self._logprobs, logprobs[order]])


def below(trie: NameTrie, wanted: Wanted, most: int) -> list[tuple[int, int, int]]:
    """Nodes below those of live beams, likeliest first if all children of a node are equally likely.

    Beams are compared with the best of their mention.

    Args:
        trie: the names.
        wanted: the beams.
        most: how many nodes.

    Returns:
        For each node the place of its parent, among the beams and, after these, what is returned; its token; itself.
    """
    best = np.full(int(wanted.mention.max()) + 1, -np.inf, dtype=np.float32)
    np.maximum.at(best, wanted.mention, wanted.score)
    estimate, level, left = wanted.score - best[wanted.mention], wanted.node, wanted.room - 1
    places, beams = np.arange(len(level)), len(level)
    found: list[tuple[np.ndarray, ...]] = []
    count = 0
    while most > 0 and len(level):
        children = trie.expand(level)
        degree = np.bincount(children.row, minlength=len(level))[children.row]
        # A child among too many is not worth a row.
        kept = np.flatnonzero((degree <= ROWS) & (left[children.row] > 0))
        kept = kept[np.argsort(np.log(degree[kept]) - estimate[children.row[kept]], kind="stable")[:most]]
        parent = children.row[kept]
        estimate, left = estimate[parent] - np.log(degree[kept]), left[parent] - 1
        level = children.node[kept]
        found.append((estimate, places[parent], children.token_id[kept], level))
        places = beams + count + np.arange(len(kept))
        count += len(kept)
        if count >= most:
            # What follows is no likelier: of nodes that are not among the likeliest, nothing needs to be known.
            likeliest = np.sort(np.concatenate([one[0] for one in found]))[-most]
            among = estimate >= likeliest
            estimate, left, level, places = estimate[among], left[among], level[among], places[among]
    if not count:
        return []
    estimates, parents, tokens, nodes = map(np.concatenate, zip(*found))
    # A child is never likelier than its parent, so that it comes after it.
    order = np.argsort(-estimates, kind="stable")[:most]
    place_of = np.arange(beams + count)
    place_of[beams + order] = beams + np.arange(len(order))
    return list(zip(place_of[parents[order]].tolist(), tokens[order].tolist(), nodes[order].tolist()))
