"""Where the time of a search goes, and its share of the peak rate of matrix products."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from angel_hf import AngelForEntityLinking
from angel_hf.inference.packed.decoder import PackedDecoder
from angel_hf.inference.packed.decoder_state import DecoderState
from angel_hf.inference.packed.engine import PackedEngine, PackedSources
from angel_hf.inference.packed.vocabulary_head import VocabularyHead
from angel_hf.inference.packed.weights import can_pack, packed
from angel_hf.search import BeamSearch
from angel_hf.search.beam import Names
from angel_hf.search.lookahead import ROWS, LookaheadEngine
from angel_hf.trie.stored_trie import TrieTensors
from angel_hf.trie.walkable_trie import Expansion, WalkableTrie
from benchmarks.operations import Work, attention_operations, linear_operations
from benchmarks.our_search import questions_of
from benchmarks.search_speed import NUM_BEAMS, GoldenMention, ids_of

PARTS = ("encoder", "source keys and values", "vocabulary", "decoder", "trie", "Python and numpy")


@dataclass(frozen=True)
class Peak:
    """Operations a CPU second of products of large matrices: the upper bound for a search.

    Attributes:
        matmul: of `torch.mm`.
        packed: with packed weights, as the search uses them; None where unavailable.
    """

    matmul: float
    packed: float | None

    @property
    def best(self) -> float:
        """The faster of the two."""
        return max(self.matmul, self.packed or 0.0)


@dataclass(frozen=True)
class Profile:
    """One search of some mentions.

    Attributes:
        mentions: how many.
        batch_size: how many together.
        work: of a mention.
        linear_operations, attention_operations: of a mention, by its lengths.
        seconds: CPU seconds of each of PARTS.
    """

    mentions: int
    batch_size: int
    work: Work
    linear_operations: float
    attention_operations: float
    seconds: dict[str, float]

    @property
    def rate(self) -> float:
        """Operations a CPU second, of linear maps and attention, over all parts."""
        return (self.linear_operations + self.attention_operations) * self.mentions / sum(self.seconds.values())


class PeakMeter:
    """Multiplies matrices of 1,024 x 1,024 a few times at each call.

    A processor's speed changes from second to second, with its clock and its neighbours. So the peak is measured
    between the passes of the search, and its mean counts, not its fastest moment.
    """

    _PRODUCTS = 2

    def __init__(self) -> None:
        layer = nn.Linear(1024, 1024, bias=False)
        rows = torch.randn(1024, 1024)
        self._products: list[Callable[[], Tensor]] = [lambda: rows @ layer.weight.T]
        if can_pack(layer):
            weight = packed([layer])[0]
            self._products.append(lambda: weight.product(rows, None))
        self._seconds = [0.0 for _ in self._products]
        self._times = 0

    @torch.inference_mode()
    def measure(self) -> None:
        """Multiply in each way."""
        for way, multiply in enumerate(self._products):
            multiply()  # fills the caches, which the search has used
            start = time.process_time()
            for _ in range(self._PRODUCTS):
                multiply()
            self._seconds[way] += time.process_time() - start
        self._times += 1

    @property
    def peak(self) -> Peak:
        """The mean of what was measured, at least once."""
        rates = [2 * 1024**3 * self._PRODUCTS * self._times / seconds for seconds in self._seconds]
        return Peak(rates[0], rates[1] if len(rates) > 1 else None)


def profile_searches(
    model: AngelForEntityLinking, mentions: Sequence[GoldenMention], batch_size: int, repeats: int
) -> list[tuple[Profile, Peak]]:
    """Search mentions as `model.link` does, with a clock in every part; the peak is measured between passes.

    One unmeasured search comes first: a long run has allocated its memory by its second batch.

    Args:
        model: with a trie.
        mentions: taken in order of their sources' lengths.
        batch_size: how many are searched together.
        repeats: of the whole.

    Returns:
        The profile of each repeat, and the peak meanwhile.
    """
    assert model.trie is not None, "the model has a knowledge base"
    engine, trie = _ClockedEngine(model), _ClockedTrie(model.trie)
    return [_profile(model, engine, trie, mentions, batch_size) for _ in range(1 + repeats)][1:]


def _profile(
    model: AngelForEntityLinking,
    engine: _ClockedEngine,
    trie: _ClockedTrie,
    mentions: Sequence[GoldenMention],
    batch_size: int,
) -> tuple[Profile, Peak]:
    clock, meter = _Clock(), PeakMeter()
    engine.watch(clock, meter)
    trie.watch(clock)
    search, reader, names = BeamSearch(NUM_BEAMS), LookaheadEngine(engine), Names(trie)
    questions = sorted(questions_of(model, *ids_of(mentions)), key=lambda question: -len(question.source_ids))
    for first in range(0, len(questions), batch_size):
        with clock.part("Python and numpy"):
            search(reader, names, questions[first : first + batch_size], NUM_BEAMS)
    work = Work(
        source_tokens=sum(len(question.source_ids) for question in questions) / len(questions),
        prefix_tokens=sum(len(question.prefix_ids) for question in questions) / len(questions),
        # The head reads the last row of a prefix and every row of a step.
        beam_rows=1 + engine.beam_rows / len(questions),
    )
    profile = Profile(
        mentions=len(mentions),
        batch_size=batch_size,
        work=work,
        linear_operations=linear_operations(model.config, work),
        attention_operations=attention_operations(model.config, work),
        seconds=clock.seconds,
    )
    return profile, meter.peak


class _Clock:
    """CPU seconds of parts; the time of a part within a part counts for the inner one."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.running: list[str] = []
        self.since = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time the block."""
        self._stop()
        self.running.append(name)
        try:
            yield
        finally:
            self._stop()
            self.running.pop()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Exclude the block from every part."""
        self._stop()
        try:
            yield
        finally:
            self.since = time.process_time()

    def _stop(self) -> None:
        now = time.process_time()
        if self.running:
            self.seconds[self.running[-1]] += now - self.since
        self.since = now


class _ClockedEngine(PackedEngine):
    """The packed engine with timed passes; the peak is measured before each pass with many rows."""

    clock: _Clock
    meter: PeakMeter
    beam_rows: int

    def __init__(self, model: AngelForEntityLinking) -> None:
        super().__init__(model)
        self.head = _ClockedHead(self.head, self)

    def watch(self, clock: _Clock, meter: PeakMeter) -> None:
        """Start a new profile with this clock and meter."""
        self.clock, self.meter, self.beam_rows = clock, meter, 0

    def encode(self, source_ids: Sequence[Sequence[int]]) -> PackedSources:
        self._measure_peak()
        with self.clock.part("encoder"):
            return super().encode(source_ids)

    def start(self, *arguments: Any) -> PackedDecoder:
        with self.clock.part("decoder"):
            return super().start(*arguments)

    def read(self, state: DecoderState, token_ids: np.ndarray, *arguments: Any) -> Tensor:
        *_, mask = arguments
        if mask is not None:  # a step; prefixes have none
            self.beam_rows += len(token_ids)
        if len(token_ids) > ROWS:
            self._measure_peak()
        with self.clock.part("decoder"):
            return super().read(state, token_ids, *arguments)

    def _measure_peak(self) -> None:
        with self.clock.stopped():
            self.meter.measure()

    def encode(self, source_ids: Sequence[Sequence[int]]) -> PackedSources:
        self.look()
        with self.clock.part("encoder"):
            return super().encode(source_ids)

    def start(self, *arguments: Any) -> PackedDecoder:
        self.look()
        with self.clock.part("decoder"):
            decoder = super().start(*arguments)
        clocked = _ClockedDecoder(decoder.state, decoder.hidden, self.read, self.head, self.multiple, self.recycle)
        clocked.engine = self
        return clocked

    def _state(self, *arguments: Any) -> DecoderState:
        with self.clock.part("source keys and values"):
            return super()._state(*arguments)


class _ClockedHead(VocabularyHead):
    """A head whose log-probabilities are timed by its engine's clock."""

    def __init__(self, head: VocabularyHead, engine: _ClockedEngine) -> None:
        self.__dict__.update(vars(head))
        self._engine = engine

    def logprobs(self, *arguments: Any) -> np.ndarray:
        with self._engine.clock.part("vocabulary"):
            return super().logprobs(*arguments)


class _ClockedTrie(WalkableTrie):
    """A trie whose look-ups are timed."""

    clock: _Clock

    def __init__(self, trie: WalkableTrie) -> None:
        super().__init__(*trie.arrays)
        self._timed = _ClockedTensors(self, torch.device("cpu"))

    def watch(self, clock: _Clock) -> None:
        """Time look-ups by this clock."""
        self.clock = clock

    def tensors(self, device: torch.device) -> TrieTensors:
        return self._timed

    def expand(self, nodes: np.ndarray) -> Expansion:
        with self.clock.part("trie"):
            return super().expand(nodes)

    def name_index(self, nodes: np.ndarray) -> np.ndarray:
        with self.clock.part("trie"):
            return super().name_index(nodes)


class _ClockedTensors(TrieTensors):
    """The arrays of a trie, with look-ups timed by its clock."""

    def __init__(self, trie: _ClockedTrie, device: torch.device) -> None:
        super().__init__(trie, device)
        self._clocked = trie

    def first_child(self, nodes: Tensor) -> Tensor:
        with self._clocked.clock.part("trie"):
            return super().first_child(nodes)

    def token_id(self, nodes: Tensor) -> Tensor:
        with self._clocked.clock.part("trie"):
            return super().token_id(nodes)

    def name_index(self, nodes: Tensor) -> Tensor:
        with self._clocked.clock.part("trie"):
            return super().name_index(nodes)

    def height(self, nodes: Tensor) -> Tensor:
        with self._clocked.clock.part("trie"):
            return super().height(nodes)
