"""A decoder that reads ahead while few beams are live.

With few rows a decoder pass is memory-bound: it takes the time to read the weights. So tokens that may follow are read
along with those of the search, and steps whose tokens all have been read need no pass. The answers are the same: no
token of the search depends on what else was read. The idea is that of speculative decoding in its form with a tree of
tokens (Miao et al., SpecInfer, arXiv 2305.09781); but the names themselves, and not a second model, propose what comes
next: most nodes of a trie of names have a single child.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from angel_hf.inference.engine import Step
from angel_hf.inference.packed.decoder import PackedDecoder
from angel_hf.inference.packed.engine import PackedEngine
from angel_hf.search.beam import Beams
from angel_hf.trie.walkable_trie import WalkableTrie, walkable

ROWS = 16
"""Of a pass that reads ahead; with more, products take longer than reading the weights."""


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


class LookaheadEngine:
    """The packed engine with decoders that read ahead; see `Engine`.

    Args:
        engine: whose passes are used.
    """

    def __init__(self, engine: PackedEngine) -> None:
        self.engine = engine
        self.device = engine.device
        self.vocab_size = engine.vocab_size
        self.end_token_id = engine.end_token_id
        self.max_length = engine.max_length

    def encode(self, source_ids: Sequence[Sequence[int]]) -> Any:
        """Hidden states of the sources."""
        return self.engine.encode(source_ids)

    def start(self, sources: Any, prefix_ids: Sequence[Sequence[int]], num_beams: int) -> LookaheadDecoder:
        """The decoder after the prefixes."""
        return LookaheadDecoder(self, self.engine.start(sources, prefix_ids, num_beams))


class LookaheadDecoder:
    """A decoder that reads the live beams and, while these are few, what may follow them too; see `Decoder`."""

    def __init__(self, engine: LookaheadEngine, decoder: PackedDecoder) -> None:
        self.engine = engine
        self.decoder = decoder
        self.lookahead: Lookahead | None = None

    def logprobs(self, rows: Tensor, token_ids: Tensor) -> Tensor:
        """Log-probabilities of tokens after live beams; of tokens that cannot follow, any number."""
        if self.lookahead is None:
            return self.decoder.logprobs(rows, token_ids)
        return torch.from_numpy(self.lookahead.logprobs(rows.numpy(), token_ids.numpy()))

    def step(self, step: Step) -> None:
        """Read the last token of each live beam, unless it was read before."""
        assert isinstance(step, Beams), "a search over the trie gives the beams' nodes"
        if self.lookahead is None and not pays(len(step.slot)):
            self.decoder.step(step)
            return
        ahead = Ahead.of(step)
        if self.lookahead is None:
            self.lookahead = Lookahead(self.engine, self.decoder, step)
            ahead.parent = np.arange(len(ahead.parent))
        self.lookahead.step(ahead)

    def keep(self, mentions: Tensor, rows: int) -> Tensor | None:
        """Drop finished mentions; all of them before the decoder starts to read ahead, and none later."""
        if self.lookahead is not None:
            return None
        return self.decoder.drop_others(mentions) if pays(rows) else self.decoder.keep(mentions, rows)

    @property
    def length(self) -> int:
        """Cached positions of each mention in use."""
        return self.decoder.length

    def step_tree(
        self, token_ids: np.ndarray, mentions: np.ndarray, positions: np.ndarray, seen: Sequence[Sequence[int]]
    ) -> None:
        """Read tokens of any branches in one pass; see `TreeDecoder`."""
        self.decoder.step_tree(token_ids, mentions, positions, seen)

    def close(self) -> None:
        """Give back the decoder's memory."""
        self.decoder.close()


@dataclass(slots=True)
class Ahead:
    """Live beams that the decoder reads next, in numpy; all arrays [R], ordered by mention.

    Attributes:
        parent: int64, which beam of the step before each continues.
        mention: int64, its mention's position in the decoder.
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

    @classmethod
    def of(cls, beams: Beams) -> Ahead:
        """The same numbers."""
        tensors = (beams.parent, beams.mention, beams.token_id, beams.node, beams.score, beams.room)
        return cls(*(tensor.numpy() for tensor in tensors))


class Lookahead:
    """Tokens that the decoder has read, and the log-probabilities of what may follow each.

    Args:
        engine: whose end token is used.
        decoder: of some mentions, all of them live; changed in place.
        beams: the first live ones.
    """

    def __init__(self, engine: LookaheadEngine, decoder: PackedDecoder, beams: Beams) -> None:
        self.trie = walkable(beams.trie)
        self.end_token_id = engine.end_token_id
        self.vocab_size = engine.vocab_size
        self.decoder = decoder
        state = decoder.state
        self._rows: list[_Row] = []
        for slot in beams.parent_slot.tolist():
            mention = slot // state.num_beams
            seen = np.flatnonzero(state.seen[slot, : state.length].numpy())
            self._rows.append(_Row(mention, int(state.positions[mention]), tuple(seen.tolist())))
        self._row_after: dict[tuple[int, int], int] = {}
        self._beam_rows = np.arange(len(beams.slot))
        # Of all rows and the tokens that may follow, as row * vocabulary + token, ascending.
        self._followers = np.zeros(0, dtype=np.int64)
        self._logprobs = np.zeros(0, dtype=np.float32)

    def logprobs(self, beams: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """Log-probabilities of `token_ids` (int64 [n]) after live `beams` (int64 [n]): float32 [n]."""
        followers = self._beam_rows[beams] * self.vocab_size + token_ids
        # A token that cannot follow has another's, which the search does not look at.
        place = np.searchsorted(self._followers, followers).clip(max=len(self._followers) - 1)
        return self._logprobs[place]

    def step(self, beams: Ahead) -> None:
        """Proceed to the next live beams."""
        keys = list(zip(self._beam_rows[beams.parent].tolist(), beams.token_id.tolist()))
        if not all(key in self._row_after for key in keys):
            self._read(self._choose(beams, keys))
        self._beam_rows = np.array([self._row_after[key] for key in keys], dtype=np.int64)

    def _choose(self, beams: Ahead, keys: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
        """Number the rows to read: those of the beams and, while there is room, some after these.

        Returns:
            For each row the one before it, its token and its node.
        """
        chosen: list[tuple[int, int, int]] = []

        def row_of(before: int, token_id: int, node: int) -> int:
            row = self._row_after.setdefault((before, token_id), len(self._rows) + len(chosen))
            if row == len(self._rows) + len(chosen):
                chosen.append((before, token_id, node))
            return row

        places = [row_of(*key, node) for key, node in zip(keys, beams.node.tolist())]
        # What follows a beam that was read ahead may have been read too, and then takes no row.
        most = ROWS if len(chosen) < len(keys) else ROWS - len(chosen)
        for parent, token_id, node in below(self.trie, beams, most):
            if len(chosen) >= ROWS:
                break
            places.append(row_of(places[parent], token_id, node))
        return chosen

    def _read(self, chosen: list[tuple[int, int, int]]) -> None:
        """Read rows in one pass, and record what may follow them."""
        first, cached = len(self._rows), self.decoder.length
        mention_of: list[int] = []
        for before, _, _ in chosen:
            mention_of.append(self._rows[before].mention if before < first else mention_of[before - first])
        mentions = np.array(mention_of)
        # The pass takes them by mention; whatever comes before another still does.
        order = np.argsort(mentions, kind="stable")
        sorted_mentions = mentions[order]
        columns = np.empty_like(mentions)
        columns[order] = np.arange(len(order)) - np.searchsorted(sorted_mentions, sorted_mentions)
        for (before, _, _), mention, column in zip(chosen, mention_of, columns.tolist()):
            row = self._rows[before]
            self._rows.append(_Row(mention, row.position + 1, (*row.seen, cached + column)))
        read = [self._rows[first + place] for place in order]
        self.decoder.step_tree(
            np.array([chosen[place][1] for place in order]),
            sorted_mentions,
            np.array([row.position - 1 for row in read]),
            [row.seen for row in read],
        )
        place_of = np.empty_like(order)
        place_of[order] = np.arange(len(order))
        self._record(first, place_of, np.array([node for _, _, node in chosen]))

    def _record(self, first: int, place_of: np.ndarray, nodes: np.ndarray) -> None:
        """Record what may follow the rows from `first` on, whose hidden states stand at `place_of`."""
        children = self.trie.expand(nodes)
        ending = np.flatnonzero(self.trie.name_index(nodes) >= 0)
        row = np.concatenate([children.row, ending])
        token_id = np.concatenate([children.token_id, np.full(len(ending), self.end_token_id)])
        followers = (first + row) * self.vocab_size + token_id
        order = np.argsort(followers)
        logprobs = self.decoder.logprobs(torch.from_numpy(place_of[row]), torch.from_numpy(token_id)).numpy()
        self._followers = np.concatenate([self._followers, followers[order]])
        self._logprobs = np.concatenate([self._logprobs, logprobs[order]])


def below(trie: WalkableTrie, live: Ahead, most: int) -> list[tuple[int, int, int]]:
    """Nodes below those of live beams, likeliest first if all children of a node are equally likely.

    Beams are compared with the best of their mention.

    Args:
        trie: the names.
        live: the beams.
        most: how many nodes.

    Returns:
        For each node the place of its parent, among the beams and, after these, what is returned; its token; itself.
    """
    best = np.full(int(live.mention.max()) + 1, -np.inf, dtype=np.float32)
    np.maximum.at(best, live.mention, live.score)
    estimate, level, left = live.score - best[live.mention], live.node, live.room - 1
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
