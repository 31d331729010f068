"""Answers kept for questions that come again: the same mention without context, or a text linked twice."""

from __future__ import annotations

import itertools
from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar, cast

import torch
from torch import nn

Answer = TypeVar("Answer")

_STRIDE = 251  # of the values of a parameter that are looked at, a prime


class AnswerCache(Generic[Answer]):
    """The answers given last, by question: a question is all ids that the model reads, the names and the search.

    So a remembered answer is what the search would find again. With context, questions hardly ever repeat; without
    (`context_tokens=0`) they do as often as mentions are spelled alike.

    Args:
        max_answers: how many to keep; of more, those not asked for the longest time go.

    Attributes:
        hits, misses: questions that were answered from memory, and that were searched for.

    Raises:
        ValueError: `max_answers` is less than 1.
    """

    def __init__(self, max_answers: int = 100_000) -> None:
        if max_answers < 1:
            raise ValueError(f"max_answers={max_answers}; expected 1 or more, or no cache")
        self.max_answers = max_answers
        self.hits = self.misses = 0
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._state: Hashable = None
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def __reduce__(self) -> tuple[type, tuple[int]]:
        # A copy, of a model with its cache, starts with nothing to remember; a lock cannot be copied.
        return type(self), (self.max_answers,)

    def clear(self) -> None:
        """Forget all answers; the counts of hits and misses stay."""
        with self._lock:
            self._answers.clear()

    def answer(
        self, state: Hashable, questions: Sequence[Hashable], search: Callable[[list[int]], Sequence[Answer]]
    ) -> list[Answer]:
        """The answer to each question, searched for where it is not remembered.

        Args:
            state: what all answers depend on, such as the weights; where it differs from the last, all are forgotten.
            questions: in any order; equal ones are searched for once.
            search: is given positions of questions and returns their answers in that order.
        """
        with self._lock:
            if state != self._state:
                self._answers.clear()
                self._state = state
            known = {one: self._answers[one] for one in questions if one in self._answers}
            for one in known:
                self._answers.move_to_end(one)
        new = {one: position for position, one in enumerate(questions) if one not in known}
        found = dict(zip(new, search(list(new.values())) if new else (), strict=True))
        with self._lock:
            self.misses += len(new)
            self.hits += len(questions) - len(new)
            # What was searched under another state is not kept: some other thread has changed it meanwhile.
            if state == self._state:
                self._answers |= found
                while len(self._answers) > self.max_answers:
                    self._answers.popitem(last=False)
        known |= found
        return [known[one] for one in questions]


def packed_ids(token_ids: Sequence[int]) -> bytes:
    """Token ids as a key that takes four bytes each."""
    return array("I", token_ids).tobytes()


def weights_state(module: nn.Module) -> Hashable:
    """What changes when a module's results do: by training, loading, conversion, autocast, or adapters put on and off.

    Fused optimizers and writes to `.data` leave version counters as they are, hence a sample of the values.
    """
    weights = tuple(
        (
            tensor.data_ptr(),
            0 if tensor.is_inference() else tensor._version,
            float(tensor.detach().flatten()[::_STRIDE].sum()),
        )
        for tensor in itertools.chain(module.parameters(), module.buffers())
    )
    # Of a layer with adapters, by peft: whether they are off, which one is on, and how much it counts.
    adapters = tuple(
        (layer._disable_adapters, tuple(layer.active_adapters), tuple(sorted(getattr(layer, "scaling", {}).items())))
        for layer in cast("Iterator[Any]", module.modules())
        if hasattr(layer, "_disable_adapters")
    )
    kind = next((tensor.device.type for tensor in module.parameters()), "cpu")
    autocast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
    return weights, adapters, autocast
