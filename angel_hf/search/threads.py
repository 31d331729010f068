"""Batches on the threads of a CPU: each thread answers batches of its own.

Threads that share a product wait for each other after it, and between products all but one have nothing to do. Threads
that share nothing but the weights wait for nobody, as the products leave Python's lock to others.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from ..inference.packed.engine import PackedBart
from ..inference.packed.numpy_blas import one_thread
from ..inference.packed.products import OpenBlasWeight, packed_type
from ..model.generation import BartWithTrieGeneration

Answer = TypeVar("Answer")

LEAST_MENTIONS = 8
"""For a thread of its own; with fewer, two threads that share all products are as fast or faster."""


def answer_batches(
    model: BartWithTrieGeneration,
    positions: Sequence[int],
    batch_size: int,
    answer: Callable[[PackedBart, list[int]], Sequence[Answer]],
) -> dict[int, Answer]:
    """Answer mentions in batches, side by side where torch has several threads to use.

    Args:
        model: is packed for as many threads as a batch has.
        positions: of the mentions, neighbours of which belong together.
        batch_size: the most mentions that are on their way at a time, on all threads together.
        answer: of one batch, in its order; called on several threads, each with a packed model of its own.

    Returns:
        The answer of each position.
    """
    products_alone = one_thread() if _multiplies_by_openblas(model) else nullcontext()
    with _THREAD_COUNT.kept() as threads, products_alone:
        side_by_side = _side_by_side(model, len(positions), batch_size, threads)
        batches = deque(_batches(positions, batch_size, side_by_side))

        def answer_some(bart: PackedBart) -> dict[int, Answer]:
            _use_threads(threads // side_by_side)
            found: dict[int, Answer] = {}
            while batch := _next(batches):
                found |= zip(batch, answer(bart, batch), strict=True)
            return found

        _use_threads(threads // side_by_side)
        bart = PackedBart(model)
        if side_by_side == 1:
            return answer_some(bart)
        each = [bart, *(bart.sibling() for _ in range(side_by_side - 1))]
        with ThreadPoolExecutor(side_by_side, "angel-search") as pool:
            try:
                return {position: one for found in pool.map(answer_some, each) for position, one in found.items()}
            finally:
                # After an error, or an interrupt here, nobody begins another batch.
                batches.clear()


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
    # To look comes first: at its first look a thread takes over what another has set last, whatever it was told before.
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def _multiplies_by_openblas(model: nn.Module) -> bool:
    """Whether a search of the model may take numpy's products; where not, their threads are none of our business."""
    weight = next(model.parameters())
    return weight.device.type == "cpu" and packed_type(weight.dtype, 1) is OpenBlasWeight


def _side_by_side(model: nn.Module, mentions: int, batch_size: int, threads: int) -> int:
    """How many batches to answer at a time."""
    if threads == 1 or next(model.parameters()).device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return 1
    most = min(threads, mentions // LEAST_MENTIONS, batch_size // LEAST_MENTIONS)
    return 1 if most < 2 or any(map(_is_changed, model.modules())) else most


def _is_changed(module: nn.Module) -> bool:
    """Whether something else runs with a module, such as what moves its weights from disk and back for a call."""
    return bool(module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module))


def _batches(positions: Sequence[int], batch_size: int, side_by_side: int) -> list[list[int]]:
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
