"""Items answered together, although some may be refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def answered_or_refused(
    items: Sequence[Item], answer: Callable[[Sequence[Item]], Sequence[Answer]]
) -> list[Answer | ValueError]:
    """The answer of each item, or the error that refuses it.

    Args:
        items: answered together; where that is refused, each half alone, down to the refused items.
        answer: returns an answer for each item, or raises ValueError before any long work.
    """
    try:
        return [*answer(items)]
    except ValueError as error:
        if len(items) < 2:
            return [error] * len(items)
        half = len(items) // 2
        return answered_or_refused(items[:half], answer) + answered_or_refused(items[half:], answer)
