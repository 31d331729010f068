"""Two threads against one, in wall seconds, for which the machine must be idle."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import nn

from angel_hf import AngelForEntityLinking
from angel_hf.inference.packed.weights import can_pack, packed
from angel_hf.search.batches import LEAST_MENTIONS
from benchmarks.search_speed import NUM_BEAMS, GoldenMention, find_names, ids_of

_SIZE, _PRODUCTS = 1024, 96  # of the matrices, and how many products, of a second or two


@dataclass(frozen=True)
class Threads:
    """Wall seconds of the same work with one thread and with two, in turns, in each repeat.

    Attributes:
        one, two: of a search with batches of the same size for each thread. Halved batches would end twice as often,
            and the last passes of a batch read all weights for a few beams.
        products_one, products_two: of products of large matrices that share nothing, which scale as far as the machine
            lets them: cores that share a cache, a clock and a memory with each other and with other guests of the same
            machine are not twice as fast as one.
    """

    one: tuple[float, ...]
    two: tuple[float, ...]
    products_one: tuple[float, ...]
    products_two: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times faster two are: the median of the repeats, each of one and of two that followed it."""
        return _median_ratio(self.one, self.two)

    @property
    def ratio_of_products(self) -> float:
        """The same of the products."""
        return _median_ratio(self.products_one, self.products_two)


def _median_ratio(one: Sequence[float], two: Sequence[float]) -> float:
    return statistics.median(one / two for one, two in zip(one, two, strict=True))


def compare_threads(
    model: AngelForEntityLinking, mentions: Sequence[GoldenMention], batch_size: int, repeats: int
) -> Threads:
    """Search mentions and multiply matrices with one thread and with two, and leave torch with one.

    Args:
        model: with a trie.
        mentions: as many as fill a batch of both threads, or several.
        batch_size: of each thread.
        repeats: of everything.
    """
    searches: dict[int, list[float]] = {1: [], 2: []}
    products: dict[int, list[float]] = {1: [], 2: []}
    multiply = _Products()
    for _ in range(repeats):
        for threads in searches:
            torch.set_num_threads(threads)
            # Weights are packed anew for another number of threads that share a product, which is not part of a search;
            # fewer mentions would have theirs shared by all.
            few = ids_of(mentions[: threads * LEAST_MENTIONS])
            find_names(model, *few, NUM_BEAMS, threads * batch_size)
            start = time.perf_counter()
            find_names(model, *ids_of(mentions), NUM_BEAMS, threads * batch_size)
            searches[threads].append(time.perf_counter() - start)
        torch.set_num_threads(1)
        for threads, own in products.items():
            own.append(multiply.seconds(threads))
    return Threads(tuple(searches[1]), tuple(searches[2]), tuple(products[1]), tuple(products[2]))


class _Products:
    """Products as the search does them, where weights can be packed, shared out among threads."""

    def __init__(self) -> None:
        layer = nn.Linear(_SIZE, _SIZE, bias=False)
        self._weight = packed([layer])[0] if can_pack(layer) else None
        self._plain = layer.weight.detach()

    def seconds(self, threads: int) -> float:
        """Of all of them."""
        rows = [torch.randn(_SIZE, _SIZE) for _ in range(threads)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(self._multiply, rows, [1] * threads))  # warm up
            start = time.perf_counter()
            list(pool.map(self._multiply, rows, [_PRODUCTS // threads] * threads))
            return time.perf_counter() - start

    @torch.inference_mode()
    def _multiply(self, rows: torch.Tensor, times: int) -> None:
        for _ in range(times):
            _ = rows @ self._plain.T if self._weight is None else self._weight.product(rows, None)
