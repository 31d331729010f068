"""Options of the search on one split of a benchmark, in turns: CPU time, accuracy, and what is lost."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from angel_hf import AngelForEntityLinking
from angel_hf.model.low_precision import Precision, in_low_precision
from angel_hf.results import Proven
from angel_hf.search import BeamSearch, BestFirstSearch
from angel_hf.search.answer_cache import AnswerCache
from angel_hf.search.batches import Search
from angel_hf.types import Linked
from benchmarks.timing import Ratio, Timing
from eval_harness.metrics.entity_linking.ranks import accuracy_at, hits_at
from eval_harness.protocol import gold_parts
from eval_harness.significance import Difference, paired_bootstrap
from eval_harness.task import Task

_BLOCK = 96  # mentions that every option links before the next block


@dataclass(frozen=True)
class Option:
    """A way to search: arguments of `link`, precision and memory of the model."""

    name: str
    top_k: int = 10
    search: Search = field(default_factory=BeamSearch)
    context_tokens: int | None = None
    precision: Precision | None = None
    cached: bool = False


@dataclass
class Measured:
    """One option on one split, block by block."""

    option: Option
    linked: list[Linked] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    hits: int = 0


@dataclass(frozen=True)
class Proofs:
    """What an exact search proves, and what it says of the published one.

    Attributes:
        proven: mentions whose answer is proven.
        missed: mentions of which the beam search's first name is not the best that the exact search found.
        missed_for_certain: of these, mentions whose best name is proven; of mentions that are not, the beams may miss
            yet more.
        beam_right: of the missed ones, mentions that the beam search answers right.
        exact_right: of the missed ones, mentions that the best name answers right.
        mean_expansions: expanded nodes of the trie.
        most_expansions: likewise.
    """

    proven: int
    missed: int
    missed_for_certain: int
    beam_right: int
    exact_right: int
    mean_expansions: float
    most_expansions: int


@dataclass(frozen=True)
class Outcome:
    """One option on one split.

    Attributes:
        accuracy_at_1, accuracy_at_5: in percent; at 5 None with `top_k` below 5.
        difference: from the published search, at 1; in points.
        speed: how many times faster than the published search; median, least and most are of the blocks.
        overall_speed: the same of all blocks together.
        cpu_seconds: of each block.
    """

    option: str
    split: str
    mentions: int
    mentions_per_cpu_second: float
    overall_speed: float
    speed: Ratio
    accuracy_at_1: float
    accuracy_at_5: float | None
    difference: Difference
    from_memory: int
    proofs: Proofs | None
    cpu_seconds: tuple[float, ...]

    @property
    def loses_nothing(self) -> bool:
        """Whether the interval of the difference does not lie below 0."""
        return self.difference.interval.high >= 0


def measure(
    model: AngelForEntityLinking, task: Task, split: str, options: Sequence[Option], progress: Callable[[str], None]
) -> list[Outcome]:
    """Link a task's mentions by every option in turns; the first is the baseline."""
    if model.knowledge_base is None or model.knowledge_base.fingerprint != task.knowledge_base.fingerprint:
        model.set_knowledge_base(task.knowledge_base)
    linkers = {option.name: _linker(model, option) for option in options}
    measured = [Measured(option) for option in options]
    mentions = [example.mention for example in task.examples]
    for linker in linkers.values():  # first calls are slow
        linker.link(mentions[:4], 1, ranked=False)
    for first in range(0, len(mentions), _BLOCK):
        block = mentions[first : first + _BLOCK]
        for one in measured:
            linker, option = linkers[one.option.name], one.option
            start = time.process_time()
            linked = linker.link(block, option.top_k, option.search, 32, option.context_tokens, ranked=False)
            one.linked += linked
            one.cpu_seconds.append(time.process_time() - start)
        progress(f"{split}: {min(first + _BLOCK, len(mentions))} of {len(mentions)} mentions")
    for one in measured:
        cache = linkers[one.option.name].answer_cache
        one.hits = 0 if cache is None else cache.hits
    return list(_outcomes(measured, task, split))


def _linker(model: AngelForEntityLinking, option: Option) -> AngelForEntityLinking:
    if option.precision is not None:
        model = in_low_precision(model, option.precision)
    if option.cached:
        model = copy.copy(model)
        model.answer_cache = AnswerCache()
    return model


def _outcomes(measured: Sequence[Measured], task: Task, split: str) -> Iterator[Outcome]:
    published = measured[0]
    documents = [example.document_id for example in task.examples]
    base = ranks_of(published.linked, task)
    work = len(task.examples) / len(published.cpu_seconds)
    for one in measured:
        ranks, is_exact = ranks_of(one.linked, task), isinstance(one.option.search, BestFirstSearch)
        ours, theirs = Timing(tuple(one.cpu_seconds), work), Timing(tuple(published.cpu_seconds), work)
        yield Outcome(
            option=one.option.name,
            split=split,
            mentions=len(ranks),
            mentions_per_cpu_second=len(ranks) / sum(one.cpu_seconds),
            overall_speed=sum(published.cpu_seconds) / sum(one.cpu_seconds),
            speed=Ratio.of(ours, theirs),
            accuracy_at_1=accuracy_at(1, ranks),
            accuracy_at_5=accuracy_at(5, ranks) if one.option.top_k >= 5 else None,
            difference=paired_bootstrap(hits_at(1, base), hits_at(1, ranks), documents),
            from_memory=one.hits,
            proofs=_proofs(one.linked, ranks, published.linked, base) if is_exact else None,
            cpu_seconds=tuple(one.cpu_seconds),
        )


def ranks_of(linked: Sequence[Linked], task: Task) -> list[int | None]:
    """The rank at which each mention is answered, as the harness counts."""
    return [
        task.protocol.rank(one.candidates, example.mention.surface, gold_parts(example, task.knowledge_base))
        for one, example in zip(linked, task.examples, strict=True)
    ]


def _proofs(
    exact: Sequence[Linked], ranks: Sequence[int | None], beams: Sequence[Linked], beam_ranks: Sequence[int | None]
) -> Proofs:
    proven = [isinstance(one, Proven) and one.is_proven for one in exact]
    expansions = [one.expansions for one in exact if isinstance(one, Proven)]
    missed = [
        place
        for place, (best, found) in enumerate(zip(exact, beams, strict=True))
        # Another name of the same score, to within rounding, is no miss; a better one is, proven the best or not.
        if best.best and (found.best is None or best.best.score > found.best.score + 1e-4)
    ]
    return Proofs(
        proven=sum(proven),
        missed=len(missed),
        missed_for_certain=sum(proven[place] for place in missed),
        beam_right=sum(beam_ranks[place] == 1 for place in missed),
        exact_right=sum(ranks[place] == 1 for place in missed),
        mean_expansions=statistics.fmean(expansions),
        most_expansions=max(expansions),
    )
