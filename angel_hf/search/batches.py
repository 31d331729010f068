"""Any search over any number of mentions: answers from memory, batches of similar length, on the threads of a CPU.

Threads that share a product wait for each other after it, and between products all but one are idle. Threads that share
nothing but the weights wait for nobody, as the products release Python's lock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from threading import Lock
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import nn

from angel_hf.inference.engine import Engine
from angel_hf.inference.packed.engine import PackedEngine
from angel_hf.inference.packed.numpy_blas import one_thread
from angel_hf.inference.packed.products import OpenBlasWeight, packed_type
from angel_hf.inference.plain import PlainEngine
from angel_hf.search.answer_cache import AnswerCache, packed_ids, weights_state
from angel_hf.search.beam import Names
from angel_hf.search.lookahead import LookaheadEngine
from angel_hf.types import Hypothesis, Question

Answer = TypeVar("Answer")
Item = TypeVar("Item")

LEAST_MENTIONS = 8
"""For a thread of its own; with fewer, two threads that share all products are as fast or faster."""


class Search(Protocol):
    """How names are searched for: a frozen value, so that equal ones find the same."""

    @property
    def num_beams(self) -> int:
        """Most names that a mention gets."""

    def __call__(
        self, engine: Engine, questions: Sequence[Question], names: Names, top_k: int
    ) -> Sequence[Sequence[Hypothesis]]:
        """The hypotheses of each question of one batch, best first; see `BeamSearch`."""


def answer_questions(
    model: nn.Module,
    names: Names,
    search: Search,
    questions: Sequence[Question],
    top_k: int,
    batch_size: int,
    cache: AnswerCache[Sequence[Hypothesis]] | None = None,
) -> list[Sequence[Hypothesis]]:
    """Answer each question, in the order given.

    Args:
        model: BART.
        names: to choose among.
        search: how.
        questions: what the model reads of each mention.
        top_k: most names for each.
        batch_size: as for `AngelForEntityLinking.link`.
        cache: asked first, where there is one.
    """
    ask = partial(search, names=names, top_k=top_k)
    if cache is None:
        return answer_batches(model, questions, batch_size, ask)
    # The trie itself is a part of the question: other names, or a view that masks some, are other questions.
    keys = [
        (names.trie, search, top_k, *map(packed_ids, (one.source_ids, one.prefix_ids, one.surface_ids)))
        for one in questions
    ]

    def answer_some(positions: list[int]) -> list[Sequence[Hypothesis]]:
        return answer_batches(model, [questions[position] for position in positions], batch_size, ask)

    found = cache.answer(weights_state(model), keys, answer_some)
    # Lists that are remembered stay as they are, whatever is done to those that are given out; nothing else can change.
    return [one.copy() if isinstance(one, list) else one for one in found]


def _source_length(question: Question) -> int:
    return len(question.source_ids)


def answer_batches(
    model: nn.Module,
    items: Sequence[Item],
    batch_size: int,
    answer: Callable[[Any, list[Item]], Sequence[Answer]],
    size: Callable[[Item], int] = _source_length,  # type: ignore[assignment]  # items are questions unless it is given
) -> list[Answer]:
    """Answer mentions in batches, side by side where torch has several threads to use.

    Args:
        model: BART; on a CPU it is packed for as many threads as a batch has.
        items: what is asked of each mention.
        batch_size: the most mentions that are searched for at a time, on all threads together.
        answer: of one batch, in its order; called on several threads, each with an engine of its own.
        size: those of like size are answered together.

    Returns:
        The answer of each item, in the order given.
    """
    products_alone = one_thread() if _multiplies_by_openblas(model) else nullcontext()
    with _THREAD_COUNT.kept() as threads, products_alone:
        side_by_side = _side_by_side(model, len(items), batch_size, threads)
        # The largest first: what memory they take is enough for the others, and used again.
        order = sorted(range(len(items)), key=lambda position: -size(items[position]))
        batches = deque(_share_out(order, batch_size, side_by_side))
        found: dict[int, Answer] = {}

        def run(engine: Any) -> None:
            _use_threads(threads // side_by_side)
            while batch := _next(batches):
                found.update(zip(batch, answer(engine, [items[position] for position in batch]), strict=True))

        _use_threads(threads // side_by_side)
        if not _is_on_cpu(model):
            run(PlainEngine(model))
        elif side_by_side == 1:
            run(LookaheadEngine(PackedEngine(model)))
        else:
            _run_side_by_side(run, batches, PackedEngine(model), side_by_side)
    return [found[position] for position in range(len(items))]


def _run_side_by_side(run: Callable[[Any], None], batches: deque[list[int]], engine: PackedEngine, count: int) -> None:
    """Several threads until no batch is left."""
    with ThreadPoolExecutor(count, "angel-search") as pool:
        try:
            engines = [engine, *(engine.sibling() for _ in range(count - 1))]
            for _ in pool.map(run, map(LookaheadEngine, engines)):
                pass
        finally:
            # After an error, or an interrupt here, nobody begins another batch.
            batches.clear()


def _is_on_cpu(model: nn.Module) -> bool:
    return next(model.parameters()).device.type == "cpu"


class _ThreadCount:
    """How many threads torch has when no call is on its way: what every call shares out, and leaves behind.

    Torch keeps a count for each thread. A thread that it meets while a call is on its way starts with the few that this
    call has set, and would keep them for good: hence the count that the first of several calls found is that of all.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls = self._found = 0

    @contextmanager
    def kept(self) -> Iterator[int]:
        """The count, which the calling thread has again afterwards, whatever it has set meanwhile."""
        with self._lock:
            if self._calls == 0:
                self._found = torch.get_num_threads()
            self._calls += 1
            found = self._found
        try:
            yield found
        finally:
            with self._lock:
                self._calls -= 1
                _use_threads(found)


_THREAD_COUNT = _ThreadCount()


def _use_threads(count: int) -> None:
    # The look comes first: at its first look a thread takes over what another has set last, whatever was set for it.
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def _multiplies_by_openblas(model: nn.Module) -> bool:
    """Whether a search of the model may take numpy's products; where not, their threads are none of our business."""
    return _is_on_cpu(model) and packed_type(next(model.parameters()).dtype, 1) is OpenBlasWeight


def _side_by_side(model: nn.Module, mentions: int, batch_size: int, threads: int) -> int:
    """How many batches to answer at a time."""
    if threads == 1 or not _is_on_cpu(model) or torch.is_autocast_enabled("cpu"):
        return 1
    most = min(threads, mentions // LEAST_MENTIONS, batch_size // LEAST_MENTIONS)
    return 1 if most < 2 or any(map(_is_changed, model.modules())) else most


def _is_changed(module: nn.Module) -> bool:
    """Whether something else runs with a module, such as what moves its weights from disk and back for a call."""
    return bool(module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module))


def _share_out(positions: Sequence[int], batch_size: int, side_by_side: int) -> list[list[int]]:
    """Batches of nearly equal size, as many as can be shared out evenly.

    Those that run side by side take turns in choosing among neighbours: were each a run of neighbours of its own, where
    the longest sources come first, the last ones would soon be done and have nobody to work with.
    """
    if not positions:
        return []
    rounds = math.ceil(len(positions) / (batch_size // side_by_side * side_by_side))
    neighbours = np.array_split(np.array(positions), rounds)
    return [own[first::side_by_side].tolist() for own in neighbours for first in range(side_by_side)]


def _next(batches: deque[list[int]]) -> list[int] | None:
    """Taken from several threads; a look before would tell nothing of what is there a moment later."""
    try:
        return batches.popleft()
    except IndexError:
        return None
