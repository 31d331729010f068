"""A progress bar for work of minutes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")
_SECONDS_UNTIL_SHOWN = 3.0


def progress_bar(items: Iterable[Item], unit: str, description: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a bar on standard error once they take more than seconds.

    No bar appears where standard error is not a terminal, or where progress bars of transformers are disabled.
    """
    # Here, so that readers of files load no library.
    from transformers.utils import logging

    return logging.tqdm(
        items,
        total=total,
        unit=f" {unit}s",
        desc=description,
        delay=_SECONDS_UNTIL_SHOWN,
        unit_scale=True,
        leave=False,
        file=sys.stderr,
        disable=None,
    )
