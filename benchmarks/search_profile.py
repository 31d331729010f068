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

from angel_hf import AngelConfig, AngelForEntityLinking
from angel_hf.inference.engine import Step
from angel_hf.inference.packed.decoder import PackedDecoder
from angel_hf.inference.packed.decoder_state import DecoderState
from angel_hf.inference.packed.engine import PackedEngine, PackedSources
from angel_hf.inference.packed.weights import can_pack, packed
from angel_hf.search.beam import BeamSearch, Names
from angel_hf.search.lookahead import LookaheadEngine
from angel_hf.trie.stored_trie import Expansion, StoredTrie, TrieTensors
from angel_hf.types import Question
from benchmarks.operations import Work, attention_operations, linear_operations
from benchmarks.search_speed import NUM_BEAMS, GoldenMention

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
    """Search mentions as `model.answer` does, with a clock in every part; the peak is measured between passes.

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
    return [_profile(model.config, engine, trie, mentions, batch_size) for _ in range(1 + repeats)][1:]


def _profile(
    config: AngelConfig, engine: _ClockedEngine, trie: _ClockedTrie, mentions: Sequence[GoldenMention], batch_size: int
) -> tuple[Profile, Peak]:
    clock, meter = _Clock(), PeakMeter()
    engine.watch(clock, meter)
    trie.clock = clock
    start = config.decoder_start_token_id
    assert isinstance(start, int), "BART starts a target with one token"
    search, reader, names = BeamSearch(NUM_BEAMS), LookaheadEngine(engine), Names(trie)
    ordered = sorted(mentions, key=lambda mention: -len(mention.encoder_ids))
    for first in range(0, len(ordered), batch_size):
        batch = ordered[first : first + batch_size]
        questions = [Question(mention.encoder_ids, [start, *mention.prefix_ids]) for mention in batch]
        with clock.part("Python and numpy"):
            search(reader, names, questions, NUM_BEAMS)
    work = Work(
        source_tokens=sum(len(mention.encoder_ids) for mention in mentions) / len(mentions),
        prefix_tokens=1 + sum(len(mention.prefix_ids) for mention in mentions) / len(mentions),
        # The head reads the last row of a prefix and every row of a step.
        beam_rows=1 + engine.beam_rows / len(mentions),
    )
    profile = Profile(
        mentions=len(mentions),
        batch_size=batch_size,
        work=work,
        linear_operations=linear_operations(config, work),
        attention_operations=attention_operations(config, work),
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
    """A packed engine with timed passes; the peak is measured before each pass with many rows."""

    clock: _Clock
    meter: PeakMeter
    beam_rows: int

    def watch(self, clock: _Clock, meter: PeakMeter) -> None:
        """Start a new profile with this clock and meter."""
        self.clock, self.meter, self.beam_rows = clock, meter, 0

    def look(self) -> None:
        """Measure the peak, which counts for no part."""
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


class _ClockedDecoder(PackedDecoder):
    """The decoder of a clocked engine."""

    engine: _ClockedEngine

    def step(self, step: Step) -> None:
        self.engine.look()
        self.engine.beam_rows += len(step.slot)
        with self.engine.clock.part("decoder"):
            super().step(step)

    def step_tree(self, token_ids: np.ndarray, *arguments: Any) -> None:
        self.engine.beam_rows += len(token_ids)
        with self.engine.clock.part("decoder"):
            super().step_tree(token_ids, *arguments)

    def logprobs(self, rows: Tensor, token_ids: Tensor) -> Tensor:
        with self.engine.clock.part("vocabulary"):
            return super().logprobs(rows, token_ids)


class _ClockedTrie(StoredTrie):
    """A trie whose look-ups are timed."""

    clock: _Clock

    def __init__(self, trie: StoredTrie) -> None:
        super().__init__(*trie.arrays)
        self._clocked: dict[torch.device, _ClockedTensors] = {}

    def expand(self, nodes: np.ndarray) -> Expansion:
        with self.clock.part("trie"):
            return super().expand(nodes)

    def name_index(self, nodes: np.ndarray) -> np.ndarray:
        with self.clock.part("trie"):
            return super().name_index(nodes)

    def tensors(self, device: torch.device) -> TrieTensors:
        if device not in self._clocked:
            self._clocked[device] = _ClockedTensors(self, device)
        return self._clocked[device]


class _ClockedTensors(TrieTensors):
    """The tensors of a clocked trie."""

    def __init__(self, trie: _ClockedTrie, device: torch.device) -> None:
        super().__init__(trie, device)
        self._of = trie

    def first_child(self, nodes: Tensor) -> Tensor:
        with self._of.clock.part("trie"):
            return super().first_child(nodes)

    def token_id(self, nodes: Tensor) -> Tensor:
        with self._of.clock.part("trie"):
            return super().token_id(nodes)

    def name_index(self, nodes: Tensor) -> Tensor:
        with self._of.clock.part("trie"):
            return super().name_index(nodes)
