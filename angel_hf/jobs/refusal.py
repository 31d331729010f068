"""Many items answered at once, though some of them may be refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def answered_or_refused(
    items: Sequence[Item], answer: Callable[[Sequence[Item]], Sequence[Answer]]
) -> list[Answer | ValueError]:
    """For each item its answer, or why it is refused.

    Args:
        items: answered together; where that is refused, each half alone, down to the items that are meant.
        answer: gives an answer for each item, or refuses them all before it does any work that takes long.
    """
    try:
        return [*answer(items)]
    except ValueError as error:
        if len(items) < 2:
            return [error] * len(items)
        half = len(items) // 2
        return answered_or_refused(items[:half], answer) + answered_or_refused(items[half:], answer)
