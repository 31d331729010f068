"""The best names of the whole trie, proven: best-first search with an admissible bound.

A beam search goes first, so that there are good names to beat. Then open nodes wait in order of the bound of
`WalkableTrie.score_bound`: no name below a node scores better than the node's summed log-probability divided by the
length of the longest target there. Each step expands the best open nodes, some at a time. A node whose bound is no
better than the k-th best finished name cannot change the answer and is dropped. When none is open, no unseen name is
better: the k names are proven the best, to within the rounding of the log-probabilities. Whatever the order, every node
whose bound is better than the true k-th best must be expanded; the order, and the names there are at first, decide how
few others are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import torch

from angel_hf.inference.engine import Engine, TreeDecoder
from angel_hf.search.beam import BeamSearch, Names
from angel_hf.trie.walkable_trie import WalkableTrie, walkable
from angel_hf.types import Hypothesis, Question

_WIDTH = 64
"""Most nodes of a mention that are expanded together: more waste less of a step and more on nodes of no use."""


@dataclass(frozen=True, slots=True)
class Proof(Sequence[Hypothesis]):
    """What a best-first search found for one mention: its names, best first.

    Args:
        hypotheses: the names.
        is_proven: no other name scores better; False where the search was given up before.
        expansions: nodes whose children were scored.
    """

    hypotheses: tuple[Hypothesis, ...]
    is_proven: bool
    expansions: int

    @overload
    def __getitem__(self, place: int) -> Hypothesis: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Hypothesis, ...]: ...

    def __getitem__(self, place: int | slice) -> Hypothesis | tuple[Hypothesis, ...]:
        return self.hypotheses[place]

    def __len__(self) -> int:
        return len(self.hypotheses)


@dataclass(frozen=True, slots=True)
class BestFirstSearch:
    """In place of beams, a search of the whole trie until no other name can be better; each answer is a Proof.

    Args:
        max_expansions: nodes of the trie to expand for a mention; beyond these its answer is what was found, none of
            it worse than what beams find, and not proven.
        num_beams: width of the beam search that goes first; also the most names that a mention gets.

    Raises:
        ValueError: no node may be expanded, or there is no beam.
    """

    max_expansions: int = 2000
    num_beams: int = 10

    def __post_init__(self) -> None:
        BeamSearch(self.num_beams)
        if self.max_expansions < 1:
            raise ValueError(f"max_expansions={self.max_expansions}; expected 1 or more")

    @torch.inference_mode()
    def __call__(self, engine: Engine, questions: Sequence[Question], names: Names, top_k: int) -> list[Proof]:
        """Search one batch for the names of the best mean log-probability.

        Args:
            engine: the model's passes; its decoders read trees.
            questions: one for each mention.
            names: to choose among.
            top_k: names for each mention.

        Returns:
            For each mention its names with their proof: `top_k` of them, or all where there are fewer.
        """
        trie = walkable(names.trie)
        sources = engine.encode([question.source_ids for question in questions])
        beams = BeamSearch(self.num_beams)
        known = beams.search(engine, trie, questions, top_k, sources)
        # Columns are opened as they are needed, so that the width of a beam is none.
        decoder = engine.start(sources, [question.prefix_ids for question in questions], 1)
        pass_ = _Pass(engine, decoder, trie)
        searches = [
            _MentionSearch(trie, top_k, engine, len(question.prefix_ids), self.max_expansions, own)
            for question, own in zip(questions, known)
        ]
        live = list(searches)
        # The root is expanded by the pass over the prefixes.
        batches = [one.next_batch() for one in live]
        for one, root in zip(live, batches):
            one.record(root, 0)
        while live:
            pass_.expand(live, batches)
            batches = [one.next_batch() for one in live]
            still_open = [place for place, batch in enumerate(batches) if len(batch)]
            if not still_open:
                break
            order = decoder.keep(torch.tensor(still_open, device=engine.device), sum(map(len, batches)))
            if order is not None:
                live, batches = ([parts[place] for place in order.tolist()] for parts in (live, batches))
            pass_.step(live, batches)
        decoder.close()
        return [one.proof() for one in searches]


@dataclass(slots=True)
class _Nodes:
    """Nodes of one mention's search that wait to be expanded, or are; all arrays [nodes].

    Attributes:
        bound: float64, best score that a name below may have.
        total: float64, summed log-probability.
        logprob: float32, of the node's own token.
        token_id, node, depth: int64; a root has depth 0.
        parent: int64, number of the expansion that it came from.
    """

    bound: np.ndarray
    total: np.ndarray
    logprob: np.ndarray
    token_id: np.ndarray
    node: np.ndarray
    depth: np.ndarray
    parent: np.ndarray

    def __len__(self) -> int:
        return len(self.bound)

    def take(self, chosen: np.ndarray) -> _Nodes:
        """Those at some positions, or where a mask is True."""
        return _Nodes(*(getattr(self, name)[chosen] for name in self.__slots__))

    def and_also(self, other: _Nodes) -> _Nodes:
        """These and others."""
        return _Nodes(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__slots__))

    @classmethod
    def root(cls, node: int) -> _Nodes:
        """The one that all names are below."""
        return cls(
            # Above any score, however sure a model is: rounding may put a name's at 0 or a little beyond.
            bound=np.full(1, np.inf),
            total=np.zeros(1),
            logprob=np.zeros(1, dtype=np.float32),
            token_id=np.full(1, -1),
            node=np.full(1, node),
            depth=np.zeros(1, dtype=np.int64),
            parent=np.full(1, -1),
        )


class _MentionSearch:
    """Open nodes, expanded nodes and finished names of one mention.

    Args:
        trie: the names.
        top_k: names for the mention.
        engine: whose end token and number of positions count.
        prefix_length: of the decoder's input before the target.
        max_expansions: nodes to expand, after which the search is given up.
        known: names to beat, best first, `top_k` at most.
    """

    def __init__(
        self,
        trie: WalkableTrie,
        top_k: int,
        engine: Engine,
        prefix_length: int,
        max_expansions: int,
        known: list[Hypothesis],
    ) -> None:
        self.trie = trie
        self.top_k = top_k
        self.end_token_id = engine.end_token_id
        self.room = engine.max_length - (prefix_length - 1)
        self.prefix_length = prefix_length
        self.max_expansions = max_expansions
        self.open = _Nodes.root(trie.root)
        self.finished = list(known)
        self.gave_up = False
        # Of each expansion: its token, log-probability and parent, and the decoder's column that remembers it.
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self.parents: list[int] = []
        self.columns: list[int] = []

    @property
    def to_beat(self) -> float:
        """The score of the last of the `top_k` names, once there are so many."""
        return self.finished[-1].score if len(self.finished) == self.top_k else -np.inf

    def next_batch(self) -> _Nodes:
        """Remove the best open nodes; none when the search is over."""
        self.open = self.open.take(self.open.bound > self.to_beat)
        left = min(_WIDTH, self.max_expansions - len(self.tokens))
        if len(self.open) and left <= 0:
            self.gave_up = True
        if not len(self.open) or left <= 0:
            return self.open.take(np.zeros(0, dtype=np.int64))
        chosen = np.argsort(-self.open.bound, kind="stable")[:left]
        rest = np.ones(len(self.open), dtype=bool)
        rest[chosen] = False
        batch, self.open = self.open.take(chosen), self.open.take(rest)
        return batch

    def record(self, batch: _Nodes, first_column: int) -> None:
        """Count the nodes of a batch as expanded, remembered in neighbouring columns."""
        self.tokens += batch.token_id.tolist()
        self.logprobs += batch.logprob.tolist()
        self.parents += batch.parent.tolist()
        self.columns += range(first_column, first_column + len(batch))

    def path(self, expansion: int) -> list[int]:
        """The expansions from below the root down to one."""
        found = []
        while self.parents[expansion] >= 0:
            found.append(expansion)
            expansion = self.parents[expansion]
        return found[::-1]

    def finish(self, expansion: int, node: int, end_logprob: float) -> None:
        """Keep the name that ends at an expanded node, if it is among the best."""
        path = self.path(expansion)
        logprobs = (*(self.logprobs[one] for one in path), end_logprob)
        score = sum(logprobs) / len(logprobs)
        name_index = int(self.trie.name_index(np.array([node]))[0])
        if score > self.to_beat and all(known.name_index != name_index for known in self.finished):
            token_ids = (*(self.tokens[one] for one in path), self.end_token_id)
            self.finished.append(Hypothesis(token_ids, score, logprobs, name_index))
            self.finished.sort(key=lambda hypothesis: -hypothesis.score)
            del self.finished[self.top_k :]

    def open_children(self, batch: _Nodes, numbers: np.ndarray, row: np.ndarray, children: _Children) -> None:
        """Add the children that may lead to a better name; `row` is the position of each one's parent in the batch."""
        depth = batch.depth[row] + 1
        total = batch.total[row] + children.logprob
        bound = self.trie.score_bound(children.node, total, depth, self.room)
        nodes = _Nodes(bound, total, children.logprob, children.token_id, children.node, depth, numbers[row])
        self.open = self.open.and_also(nodes.take((depth < self.room) & (nodes.bound > self.to_beat)))

    def proof(self) -> Proof:
        return Proof(tuple(self.finished), not self.gave_up, len(self.tokens))


@dataclass(slots=True)
class _Children:
    """Children with the log-probabilities of their tokens; all arrays [children]."""

    node: np.ndarray
    token_id: np.ndarray
    logprob: np.ndarray


class _Pass:
    """The decoder's passes over the nodes of all searches of a batch."""

    def __init__(self, engine: Engine, decoder: Any, trie: WalkableTrie) -> None:
        self.engine = engine
        self.decoder: TreeDecoder = decoder
        self.trie = trie

    def expand(self, live: list[_MentionSearch], batches: list[_Nodes]) -> None:
        """Score what follows the nodes of all batches, which the decoder read last."""
        nodes = np.concatenate([batch.node for batch in batches])
        children, ending = self.trie.expand(nodes), np.flatnonzero(self.trie.name_index(nodes) >= 0)
        rows = np.concatenate([children.row, ending])
        token_ids = np.concatenate([children.token_id, np.full(len(ending), self.engine.end_token_id)])
        logprobs = self.decoder.logprobs(*(torch.from_numpy(ids).to(self.engine.device) for ids in (rows, token_ids)))
        of_children, of_ends = np.split(logprobs.cpu().numpy(), [len(children.row)])
        first = 0
        for search, batch in zip(live, batches):
            last = first + len(batch)
            numbers = len(search.tokens) - len(batch) + np.arange(len(batch))  # the last that were recorded
            for end in range(*np.searchsorted(ending, [first, last])):
                place = int(ending[end]) - first
                search.finish(int(numbers[place]), int(batch.node[place]), float(of_ends[end]))
            own = slice(*np.searchsorted(children.row, [first, last]))
            found = _Children(children.node[own], children.token_id[own], of_children[own])
            search.open_children(batch, numbers, children.row[own] - first, found)
            first = last

    def step(self, live: list[_MentionSearch], batches: list[_Nodes]) -> None:
        """Read the nodes of all batches; each sees its prefix, the columns of its own ancestors, and itself."""
        column = self.decoder.length
        positions, seen = [], []
        for search, batch in zip(live, batches):
            prefix = range(search.prefix_length)
            for own, parent in enumerate(batch.parent.tolist(), start=column):
                seen.append([*prefix, *(search.columns[one] for one in search.path(parent)), own])
            positions.append(search.prefix_length + batch.depth - 1)
            search.record(batch, column)
        token_ids = np.concatenate([batch.token_id for batch in batches])
        mentions = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
        self.decoder.step_tree(token_ids, mentions, np.concatenate(positions), seen)
