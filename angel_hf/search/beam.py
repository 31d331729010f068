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

Where fewer names than beams are requested, a mention's search ends as soon as a bound proves that no live beam can
become one of them: the answer is the same. The trie, the beams and their choice live on the engine's device; each step
copies one small tensor to the host, the sizes that the next step's shapes follow from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..inference.engine import Decoder, Engine, Step
from ..trie.stored_trie import StoredTrie
from ..types import Hypothesis, Question

_ROUNDING = 2e-5
"""Sums in float32 are this little off, at most."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a search chooses among.

    Args:
        trie: the names, without end token.
        concepts_of: the concepts that a name stands for, by its index; a name is its own where nothing else is known.
    """

    trie: StoredTrie
    concepts_of: Callable[[int], frozenset[Any]] = lambda name_index: frozenset((name_index,))


@dataclass(frozen=True, slots=True)
class BeamSearch:
    """The published search.

    Args:
        num_beams: K, also the most names that a mention gets.
        length_penalty: exponent of the target's length in the final score.

    Raises:
        ValueError: there is no beam.
    """

    num_beams: int = 10
    length_penalty: float = 1.0

    def __post_init__(self) -> None:
        if self.num_beams < 1:
            raise ValueError(f"num_beams={self.num_beams}; expected 1 or more")

    @torch.inference_mode()
    def __call__(
        self, engine: Engine, questions: Sequence[Question], names: Names, top_k: int
    ) -> list[list[Hypothesis]]:
        """Search one batch; neighbours of similar source length waste least.

        Args:
            engine: the model's passes.
            questions: one for each mention.
            names: to choose among.
            top_k: most names for each mention; with fewer than K the search ends sooner.

        Returns:
            For each mention its hypotheses, best first: min(top_k, K, names in the trie) of them, less those that the
            decoder has no room for.
        """
        sources = engine.encode([question.source_ids for question in questions])
        return self.search(engine, names.trie, questions, top_k, sources)

    def search(
        self,
        engine: Engine,
        trie: StoredTrie,
        questions: Sequence[Question],
        top_k: int,
        sources: Any,
        roots: np.ndarray | None = None,
    ) -> list[list[Hypothesis]]:
        """Search a batch whose sources are encoded already.

        Args:
            engine, questions, top_k: as for a call.
            trie: the names.
            sources: what `engine.encode` returned.
            roots: int64 [mentions], the node below which each mention's names are; all of the trie's where None.
        """
        decoder = engine.start(sources, [question.prefix_ids for question in questions], self.num_beams)
        # The start token is not counted, as it is the end token's place that the count includes.
        rooms = [engine.max_length - (len(question.prefix_ids) - 1) for question in questions]
        nodes = np.full(len(questions), trie.root) if roots is None else roots
        batch = _Batch(self, engine, trie, top_k, np.stack([nodes, rooms]))
        batch.run(decoder)
        decoder.close()
        return batch.history.hypotheses(len(questions), engine.end_token_id, self.length_penalty, top_k)


@dataclass
class Beams(Step):
    """Live beams, R in all, with what the search knows of them.

    Attributes:
        node: int64 [R], the beam's node in the trie.
        first_child: int64 [R], the first child of that node.
        degree: int64 [R], how many it has.
        score: float32 [R], summed log-probability.
        room: int64 [R], most tokens that may follow, end token included.
        trie: that the nodes are of.
    """

    node: Tensor
    first_child: Tensor
    degree: Tensor
    score: Tensor
    room: Tensor
    trie: StoredTrie

    def reorder(self, rows: Tensor) -> None:
        """Put the beams in another order (int64 [R])."""
        vars(self).update((name, value[rows]) for name, value in vars(self).items() if isinstance(value, Tensor))


@dataclass(frozen=True)
class _Sizes:
    """How many beams and children the B mentions in the decoder have.

    Attributes:
        rows, children: int64 [B], live beams of each mention, and children of these.
        num_rows, num_children: all of them.
        widest: most rows and children of a mention.
        num_live: mentions that have live beams.
    """

    rows: Tensor
    children: Tensor
    num_rows: int
    num_children: int
    widest: int
    num_live: int

    @classmethod
    def of(cls, rows: Tensor, children: Tensor) -> _Sizes:
        """Copy the counts of each mention to the host, the one copy of a step, and add them up."""
        counts = torch.stack([rows, children]).cpu().numpy()
        num_rows, num_children = counts.sum(1).tolist()
        return cls(rows, children, num_rows, num_children, int(counts.sum(0).max()), int(np.count_nonzero(counts[0])))


@dataclass(frozen=True)
class _Picked:
    """The K best extensions of each of B mentions, best first; all [B, K].

    Attributes:
        row: int64, the beam that each extends.
        token_id: int64.
        node: int64, where it leads; of an end token, the beam's own.
        name: int64, the name that an end token ends, else -1.
        logprob: float32, of the token.
        score: float32, summed log-probability; -inf where there are fewer extensions than K.
    """

    row: Tensor
    token_id: Tensor
    node: Tensor
    name: Tensor
    logprob: Tensor
    score: Tensor


class _Batch:
    """One batch on its way; B mentions of it are still in the decoder, in the order of `origin`.

    Args:
        search: the options.
        engine: whose device and end token are used.
        trie: the names.
        top_k: most names for each mention.
        starts: int64 [2, mentions], the node that each starts at, and most tokens of a target, end token included.
    """

    def __init__(self, search: BeamSearch, engine: Engine, trie: StoredTrie, top_k: int, starts: np.ndarray) -> None:
        self.num_beams = search.num_beams
        self.length_penalty = search.length_penalty
        self.end_token_id = engine.end_token_id
        self.names = trie
        self.trie = trie.tensors(engine.device)
        self.history = _History()
        self.roots, self.rooms = torch.from_numpy(starts).to(engine.device)
        self.least_room = int(starts[1].min())
        self.origin = torch.arange(len(self.roots), device=engine.device)
        self.rank = torch.arange(search.num_beams, device=engine.device)
        self.mention_of_place = self.origin[:, None].expand(-1, search.num_beams).flatten()
        self.taken = torch.zeros_like(self.origin)
        # Best final scores of each mention so far, where the search may end early.
        self.ends_early = top_k < search.num_beams and search.length_penalty >= 0
        self.best = torch.full((len(self.roots), top_k), -torch.inf, device=engine.device)
        self.steps = 0

    def run(self, decoder: Decoder) -> None:
        """Search until no beam is live."""
        beams, sizes = self._first_beams()
        while sizes.num_rows:
            picked = self._pick(decoder, beams, sizes)
            self.steps += 1
            going_on, finishing = self._finish(picked)
            self.history.record(self.origin, picked, finishing)
            beams, sizes = self._next_beams(beams, picked, going_on)
            if sizes.num_rows:
                beams, sizes = self._drop_finished(decoder, beams, sizes)
                decoder.step(beams)

    def _first_beams(self) -> tuple[Beams, _Sizes]:
        mention, nodes = self.origin, self.roots
        slot, score = mention * self.num_beams, torch.zeros(len(mention), device=mention.device)
        first, degree = self._children(nodes)
        beams = Beams(mention, slot, mention, slot, mention, nodes, first, degree, score, self.rooms, self.names)
        return beams, _Sizes.of(torch.ones_like(mention), degree)

    def _children(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """The first child of each node, and how many it has; a node's children are neighbours."""
        first = self.trie.first_child(nodes)
        return first, self.trie.first_child(nodes + 1) - first

    def _pick(self, decoder: Decoder, beams: Beams, sizes: _Sizes) -> _Picked:
        """Score every child of every beam, and the end token after it, and keep the K best of each mention."""
        count = sizes.num_children
        every_row = torch.arange(sizes.num_rows, device=beams.node.device)
        row = every_row.repeat_interleave(beams.degree, output_size=count)
        place = torch.arange(count, device=row.device)
        child = place + (beams.first_child - beams.degree.cumsum(0) + beams.degree).take(row)
        names = self.trie.name_index(beams.node)
        token_id = torch.cat([self.trie.token_id(child), torch.full_like(every_row, self.end_token_id)])
        row = torch.cat([row, every_row])
        logprob = decoder.logprobs(row, token_id)
        logprob[count:].masked_fill_(names < 0, -torch.inf)
        if (allowed := self.trie.is_allowed(child)) is not None:
            logprob[:count].masked_fill_(~allowed, -torch.inf)
        if self.least_room - self.steps < 2:
            # A child needs room for itself and for the end token after it.
            logprob[:count].masked_fill_((beams.room < 2).take(row[:count]), -torch.inf)
            logprob[count:].masked_fill_(beams.room < 1, -torch.inf)
        # A line for each mention, filled from the left with children, then end tokens; ties go to what came first.
        first_row, first_child = sizes.rows.cumsum(0) - sizes.rows, sizes.children.cumsum(0) - sizes.children
        mention = beams.mention.take(row)
        shift = torch.cat([first_child.neg().take(mention[:count]), (sizes.children - first_row).take(beams.mention)])
        column = torch.cat([place, every_row]) + shift
        lines = logprob.new_full((len(self.origin), max(sizes.widest, self.num_beams)), -torch.inf)
        lines[mention, column] = beams.score.take(row) + logprob
        score, column = lines.topk(self.num_beams, dim=1)
        is_end = column >= sizes.children[:, None]
        picked = column + torch.where(is_end, (count + first_row - sizes.children)[:, None], first_child[:, None])
        picked = picked.clamp_(max=len(row) - 1)  # places that hold nothing
        row = row.take(picked)
        return _Picked(
            row=row,
            token_id=token_id.take(picked),
            node=torch.cat([child, beams.node]).take(picked),
            name=names.take(row).where(is_end, -1),
            logprob=logprob.take(picked),
            score=score,
        )

    def _finish(self, picked: _Picked) -> tuple[Tensor, Tensor]:
        """Which extensions stay live, and which finish a name: bool [B, K] each."""
        is_there = picked.score > -torch.inf
        is_end = is_there & (picked.name >= 0)
        finishing = is_end & (self.rank < self.num_beams - self.taken[:, None])
        self.taken = self.taken + finishing.sum(1)
        going_on = is_there & ~is_end & (self.taken < self.num_beams)[:, None]
        if self.ends_early:
            going_on &= self._may_change(picked, going_on, finishing)
        return going_on, finishing

    def _may_change(self, picked: _Picked, going_on: Tensor, finishing: Tensor) -> Tensor:
        """Whether some live beam of each mention may still become one of its best names: bool [B, 1]."""
        final = (picked.score / self.steps**self.length_penalty).where(finishing, -torch.inf)
        self.best = torch.cat([self.best, final], dim=1).topk(self.best.shape[1], dim=1).values
        # See `WalkableTrie.score_bound`. One token for the end.
        longest = (self.steps + 1 + self.trie.height(picked.node)).minimum(self.rooms[:, None])
        bound = (picked.score / longest**self.length_penalty).where(going_on, -torch.inf)
        return bound.amax(1, keepdim=True) > self.best[:, -1:] - _ROUNDING

    def _next_beams(self, beams: Beams, picked: _Picked, going_on: Tensor) -> tuple[Beams, _Sizes]:
        """The live beams, numbered anew within each mention."""
        first, degree = self._children(picked.node)
        sizes = _Sizes.of(going_on.sum(1), (degree * going_on).sum(1))
        # The places of those that go on, in order; how many there are is known, so that nothing waits for a count.
        every_row = torch.arange(sizes.num_rows, device=going_on.device)
        place = torch.searchsorted(going_on.flatten().cumsum(0), every_row, right=True)
        mention = self.mention_of_place.take(place)
        number = every_row - (sizes.rows.cumsum(0) - sizes.rows).take(mention)
        parent = picked.row.take(place)
        self.history.record_survivors(place)
        return Beams(
            parent=parent,
            parent_slot=beams.slot.take(parent),
            mention=mention,
            slot=mention * self.num_beams + number,
            token_id=picked.token_id.take(place),
            node=picked.node.take(place),
            first_child=first.take(place),
            degree=degree.take(place),
            score=picked.score.take(place),
            room=self.rooms.take(mention) - self.steps,
            trie=self.names,
        ), sizes

    def _drop_finished(self, decoder: Decoder, beams: Beams, sizes: _Sizes) -> tuple[Beams, _Sizes]:
        """Let the decoder drop mentions without live beams; the others may take their places."""
        count = len(self.origin)
        if sizes.num_live == count:
            return beams, sizes
        live = (sizes.rows == 0).byte().argsort(stable=True)[: sizes.num_live]
        order = decoder.keep(live, sizes.num_rows)
        if order is None:
            return beams, sizes
        position = torch.zeros_like(self.origin)
        position[order] = torch.arange(len(order), device=order.device)
        shift = (position[beams.mention] - beams.mention) * self.num_beams
        beams.mention = position[beams.mention]
        beams.slot, beams.parent_slot = beams.slot + shift, beams.parent_slot + shift
        rows = beams.mention.argsort(stable=True)
        beams.reorder(rows)
        self.history.reorder_survivors(rows)
        self.origin, self.rooms, self.taken = self.origin[order], self.rooms[order], self.taken[order]
        self.best = self.best[order]
        kept = sizes.rows[order], sizes.children[order]
        return beams, _Sizes(*kept, sizes.num_rows, sizes.num_children, sizes.widest, sizes.num_live)


class _History:
    """What was picked in each step, on the device until the search is over."""

    def __init__(self) -> None:
        self._picked: list[_Picked] = []
        self._finishing: list[Tensor] = []
        self._origins: list[Tensor] = []
        self._survivors: list[Tensor] = []

    def record(self, origin: Tensor, picked: _Picked, finishing: Tensor) -> None:
        """Note a step: which extensions were picked for which mention of the batch, and which of them end names."""
        self._picked.append(picked)
        self._finishing.append(finishing)
        self._origins.append(origin)

    def record_survivors(self, place: Tensor) -> None:
        """Note which picked extensions are the beams of the next step (int64 [R], among all B * K)."""
        self._survivors.append(place)

    def reorder_survivors(self, rows: Tensor) -> None:
        """The same beams in another order."""
        self._survivors[-1] = self._survivors[-1][rows]

    def hypotheses(self, count: int, end_token_id: int, length_penalty: float, top_k: int) -> list[list[Hypothesis]]:
        """The finished names of each of `count` mentions, best first."""
        fields = ([getattr(one, name) for one in self._picked] for name in ("row", "token_id", "name", "logprob"))
        row, token_id, name, logprob = map(_on_host, fields)
        finishing, origin, survivors = map(_on_host, (self._finishing, self._origins, self._survivors))
        found: list[list[Hypothesis]] = [[] for _ in range(count)]
        # Tokens and log-probabilities of each live beam.
        tokens, scores = np.zeros((count, 0), dtype=np.int64), np.zeros((count, 0), dtype=np.float32)
        for step, place in enumerate(survivors):
            for position, column in np.argwhere(finishing[step]).tolist():
                parent = row[step][position, column]
                logprobs = (*scores[parent].tolist(), float(logprob[step][position, column]))
                hypothesis = Hypothesis(
                    token_ids=(*tokens[parent].tolist(), end_token_id),
                    score=sum(logprobs) / len(logprobs) ** length_penalty,
                    token_logprobs=logprobs,
                    name_index=int(name[step][position, column]),
                )
                found[origin[step][position]].append(hypothesis)
            parents = row[step].take(place)
            tokens = np.column_stack([tokens[parents], token_id[step].take(place)])
            scores = np.column_stack([scores[parents], logprob[step].take(place)])
        return [sorted(names, key=lambda hypothesis: -hypothesis.score)[:top_k] for names in found]


def _on_host(steps: list[Tensor]) -> list[np.ndarray]:
    """The tensors of all steps, copied together."""
    return np.split(torch.cat(steps).cpu().numpy(), np.cumsum([len(one) for one in steps])[:-1])
