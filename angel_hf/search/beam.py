"""Trie-constrained beam search, batched over mentions; ids only.

The semantics are those of the published inference (dmis-lab/ANGEL). With K beams:

1. One beam starts after the prefix, at the root of the trie.
2. Each step scores every child of every live beam by its summed log-probability under the whole
   vocabulary. The K best over the mention are kept.
3. Among these, an end token at a rank below K minus the number of finished names finishes its name; one at
   a later rank is dropped for good; other tokens stay live.
4. The search ends with K finished names, or when no beam is live.
5. Finished names are ranked by the sum over their target's tokens, end token included, divided by
   length ** length_penalty.

While few beams are live in a batch, the decoder is fed ahead of the search; see `lookahead`. That changes no answer.

Where fewer names are wanted than there are beams, a mention's search ends before 4, as soon as the bound of
`trie_heights` proves that no live beam can become one of them: the answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import torch

from ..inference.packed.decoder_state import LEAST_LIVE
from ..inference.packed.engine import PackedBart
from ..trie.name_trie import NameTrie
from ..types import Hypothesis
from .lookahead import Lookahead, Wanted, pays


@dataclass
class Beams:
    """The live beams of a batch, R in all, ordered by mention.

    Attributes:
        mention: int64 [R], position of the beam's mention in the decoder state.
        slot: int64 [R], where the decoder keeps the beam: mention * K + beam.
        node: int64 [R], the beam's node in the trie.
        score: float32 [R], summed log-probability.
        token_ids: int64 [R, steps].
        token_logprobs: float32 [R, steps].
    """

    mention: np.ndarray
    slot: np.ndarray
    node: np.ndarray
    score: np.ndarray
    token_ids: np.ndarray
    token_logprobs: np.ndarray

    def reorder(self, rows: np.ndarray) -> None:
        """Put the beams in another order (int64 [R])."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[rows])


@dataclass
class Extensions:
    """Candidate continuations of live beams; all arrays [candidates].

    An end token, which leads to no node, has -1 - i for one, where i is the index of the name that it ends.
    """

    row: np.ndarray
    token_id: np.ndarray
    node: np.ndarray
    logprob: np.ndarray
    score: np.ndarray


class _Decoder:
    """The decoder of a batch, which is fed the live beams and, while these are few, what may follow them too.

    Attributes:
        mentions: int64, the mention of the batch behind each position of the state; those that are finished leave.
        logprobs: tells log-probabilities of tokens (int64 [n]) after live beams (int64 [n]).
    """

    def __init__(
        self,
        bart: PackedBart,
        trie: NameTrie,
        end_token_id: int,
        sources: list[torch.Tensor],
        prefix_ids: Sequence[Sequence[int]],
        num_beams: int,
    ) -> None:
        self.bart = bart
        self.trie = trie
        self.end_token_id = end_token_id
        self.state, hidden = bart.start(sources, prefix_ids, num_beams)
        self.mentions = np.arange(len(sources))
        self.logprobs: Callable[[np.ndarray, np.ndarray], np.ndarray] = partial(bart.logprobs, hidden)
        self.lookahead: Lookahead | None = None
        self._slots = self.mentions * num_beams

    def step(self, beams: Beams, parents: np.ndarray, rooms: np.ndarray) -> None:
        """Go on to the next live beams.

        Args:
            beams: changed in place where mentions leave, and others take their places.
            parents: int64 [R], the beam of the step before that each continues.
            rooms: int64 [mentions of the batch], the most tokens of a name, end token included.
        """
        if self.lookahead is None:
            few = pays(len(parents))
            slots = self._shed(beams, self._slots[parents], 1.0 if few else LEAST_LIVE)
            if few:
                self.lookahead = Lookahead(self.bart, self.trie, self.state, slots, self.end_token_id)
                self.logprobs, parents = self.lookahead.logprobs, np.arange(len(parents))
            else:
                hidden = self.bart.step(self.state, beams.token_ids[:, -1], beams.slot, slots)
                self.logprobs, self._slots = partial(self.bart.logprobs, hidden), beams.slot
        if self.lookahead is not None:
            room = rooms[self.mentions[beams.mention]] - beams.token_ids.shape[1]
            self.lookahead.step(Wanted(parents, beams.mention, beams.token_ids[:, -1], beams.node, beams.score, room))

    def _shed(self, beams: Beams, slots: np.ndarray, least_live: float) -> np.ndarray:
        """Drop finished mentions where no more than a share of all is live; the given slots after that."""
        live, count = np.unique(beams.mention), len(self.mentions)
        if len(live) == count or len(live) > least_live * count:
            return slots
        order = self.state.keep(live)
        self.mentions = self.mentions[order]
        position = np.full(count, -1)
        position[order] = np.arange(len(order))
        shift = (position[beams.mention] - beams.mention) * self.state.num_beams
        beams.mention, beams.slot = position[beams.mention], beams.slot + shift
        rows = np.argsort(beams.mention, kind="stable")
        beams.reorder(rows)
        return (slots + shift)[rows]


@torch.inference_mode()
def beam_search(
    bart: PackedBart,
    trie: NameTrie,
    encoder_ids: Sequence[Sequence[int]],
    prefix_ids: Sequence[Sequence[int]],
    *,
    num_beams: int,
    end_token_id: int,
    max_length: int,
    length_penalty: float = 1.0,
    top_k: int | None = None,
    sources: list[torch.Tensor] | None = None,
    roots: np.ndarray | None = None,
) -> list[list[Hypothesis]]:
    """Search one batch; neighbours of similar source length waste least.

    Args:
        bart: the model.
        trie: the names, without end token.
        encoder_ids: source ids of each mention.
        prefix_ids: decoder input of each mention, start token included.
        num_beams: K, also the most hypotheses that a mention gets.
        end_token_id: the token that ends a target.
        max_length: most positions of the decoder: prefix, name and end token without the start token.
        length_penalty: exponent of the target's length in the final score.
        top_k: how many hypotheses are wanted; K where None. With fewer the search ends sooner.
        sources: what `bart.encode` made of `encoder_ids`, where it is at hand.
        roots: int64 [mentions], the node below which each mention's names are; all of the trie's where None.

    Returns:
        For each mention its hypotheses, best first: min(top_k, names in the trie) of them, less those that
        `max_length` cuts off.
    """
    search = _Search(bart, trie, num_beams, end_token_id, length_penalty, num_beams if top_k is None else top_k)
    # The start token is not counted, as it is the end token's place that the count includes.
    rooms = np.array([max_length - (len(ids) - 1) for ids in prefix_ids])
    if sources is None:
        sources = bart.encode(encoder_ids)
    return search.run(sources, prefix_ids, rooms, np.full(len(sources), trie.root) if roots is None else roots)


class _Search:
    """One batch on its way; mentions leave the decoder state as they finish."""

    def __init__(
        self,
        bart: PackedBart,
        trie: NameTrie,
        num_beams: int,
        end_token_id: int,
        length_penalty: float,
        top_k: int,
    ) -> None:
        self.bart = bart
        self.trie = trie
        self.num_beams = num_beams
        self.end_token_id = end_token_id
        self.length_penalty = length_penalty
        self.top_k = top_k

    def run(
        self, sources: list[torch.Tensor], prefix_ids: Sequence[Sequence[int]], rooms: np.ndarray, roots: np.ndarray
    ) -> list[list[Hypothesis]]:
        finished: list[list[Hypothesis]] = [[] for _ in sources]
        decoder = _Decoder(self.bart, self.trie, self.end_token_id, sources, prefix_ids, self.num_beams)
        beams = self._first_beams(roots)
        while len(beams.mention):
            kept = decoder.mentions
            extensions = self._extend(decoder.logprobs, beams, rooms[kept])
            if not len(extensions.row):
                break  # no beam has room to go on
            picked = self._pick(beams, extensions, len(kept))
            taken = np.array([len(finished[mention]) for mention in kept])
            ended = extensions.node[picked] < 0
            ended &= picked >= 0
            rank = np.arange(picked.shape[1])
            finishing = ended & (rank < self.num_beams - taken[:, None])
            for position, column in np.argwhere(finishing):
                finished[kept[position]].append(self._finish(beams, extensions, int(picked[position, column])))
            going_on = (picked >= 0) & ~ended & ((taken + finishing.sum(1)) < self.num_beams)[:, None]
            if self.top_k < self.num_beams and self.length_penalty >= 0:
                to_beat = [self._to_beat(finished[mention]) for mention in kept]
                going_on &= self._may_change(beams, extensions, picked, going_on, rooms[kept], to_beat)
            parents, beams = self._next_beams(beams, extensions, picked, going_on)
            if len(parents):
                decoder.step(beams, parents, rooms)
        self.bart.recycle(decoder.state)
        return [sorted(names, key=lambda hypothesis: -hypothesis.score)[: self.top_k] for names in finished]

    def _first_beams(self, roots: np.ndarray) -> Beams:
        count = len(roots)
        mention = np.arange(count)
        return Beams(
            mention=mention,
            slot=mention * self.num_beams,
            node=roots,
            score=np.zeros(count, dtype=np.float32),
            token_ids=np.zeros((count, 0), dtype=np.int64),
            token_logprobs=np.zeros((count, 0), dtype=np.float32),
        )

    def _extend(
        self, logprobs: Callable[[np.ndarray, np.ndarray], np.ndarray], beams: Beams, rooms: np.ndarray
    ) -> Extensions:
        """Every child of every beam, and the end token where a name ends, with log-probabilities."""
        steps = beams.token_ids.shape[1]
        # A child needs room for itself and for the end token after it.
        open_rows = np.flatnonzero(rooms[beams.mention] >= steps + 2)
        names = self.trie.name_index(beams.node)
        ending_rows = np.flatnonzero((names >= 0) & (rooms[beams.mention] >= steps + 1))
        children = self.trie.expand(beams.node[open_rows])
        row = np.concatenate([open_rows[children.row], ending_rows])
        token_id = np.concatenate([children.token_id, np.full(len(ending_rows), self.end_token_id)])
        node = np.concatenate([children.node, -1 - names[ending_rows]])
        logprob = logprobs(row, token_id)
        return Extensions(row, token_id, node, logprob, beams.score[row] + logprob)

    def _pick(self, beams: Beams, extensions: Extensions, mentions: int) -> np.ndarray:
        """The K best extensions of each mention, best first: int64 [mentions, K], -1 where there are fewer."""
        picked = np.full((mentions, self.num_beams), -1)
        mention = beams.mention[extensions.row]
        # One row a mention, filled from the left; ties go to the extension that came first.
        order = np.argsort(mention, kind="stable")
        counts = np.bincount(mention, minlength=mentions)
        column = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        scores = np.full((mentions, int(counts.max(initial=1))), -np.inf, dtype=np.float32)
        scores[mention[order], column] = extensions.score[order]
        index = np.full(scores.shape, -1)
        index[mention[order], column] = order
        width = min(self.num_beams, scores.shape[1])
        best = torch.topk(torch.from_numpy(scores), width, dim=1).indices.numpy()
        picked[:, :width] = np.take_along_axis(index, best, axis=1)
        return picked

    def _finish(self, beams: Beams, extensions: Extensions, extension: int) -> Hypothesis:
        row = extensions.row[extension]
        logprobs = [*beams.token_logprobs[row].tolist(), float(extensions.logprob[extension])]
        return Hypothesis(
            token_ids=(*beams.token_ids[row].tolist(), self.end_token_id),
            score=sum(logprobs) / len(logprobs) ** self.length_penalty,
            token_logprobs=tuple(logprobs),
            name_index=-1 - int(extensions.node[extension]),
        )

    def _to_beat(self, finished: list[Hypothesis]) -> float:
        """The score of the last of the names that are wanted, once there are so many."""
        scores = sorted((hypothesis.score for hypothesis in finished), reverse=True)
        return scores[self.top_k - 1] if len(scores) >= self.top_k else float("-inf")

    def _may_change(
        self,
        beams: Beams,
        extensions: Extensions,
        picked: np.ndarray,
        going_on: np.ndarray,
        rooms: np.ndarray,
        to_beat: list[float],
    ) -> np.ndarray:
        """Whether some live beam of each mention may still become a name that is wanted: bool [mentions, 1]."""
        length = beams.token_ids.shape[1] + 1
        bound = self.trie.score_bound(
            np.maximum(extensions.node[picked], self.trie.root),
            extensions.score[picked],
            length,
            rooms[:, None],
            self.length_penalty,
        )
        best = np.where(going_on, bound, -np.inf).max(axis=1, keepdims=True)
        # Sums in float32 are a little off.
        return best > np.array(to_beat)[:, None] - 1e-5

    def _next_beams(
        self, beams: Beams, extensions: Extensions, picked: np.ndarray, going_on: np.ndarray
    ) -> tuple[np.ndarray, Beams]:
        """Which beam each of the next ones continues [R], and these, numbered anew within each mention."""
        mention, column = np.nonzero(going_on)
        chosen = picked[mention, column]
        row = extensions.row[chosen]
        beam = (np.cumsum(going_on, axis=1) - 1)[mention, column]
        return row, Beams(
            mention=mention,
            slot=mention * self.num_beams + beam,
            node=extensions.node[chosen],
            score=extensions.score[chosen],
            token_ids=np.column_stack([beams.token_ids[row], extensions.token_id[chosen]]),
            token_logprobs=np.column_stack([beams.token_logprobs[row], extensions.logprob[chosen]]),
        )
