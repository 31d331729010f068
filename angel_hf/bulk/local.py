"""Bulk linking in this process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow

from angel_hf.bulk.run import Run
from angel_hf.bulk.shard import Report
from angel_hf.bulk.window import Window
from angel_hf.bulk.worker import Worker


def link_locally(run: Run) -> Iterator[Report]:
    """Link the pending windows of a run, a report for each window; the next window is read while one is linked.

    Raises:
        ValueError: an input file is damaged inside.
    """
    worker = Worker(run.job, run.inputs, run.model, run.claim)
    try:
        for window, rows in _read_ahead(worker, run.pending):
            yield worker.link(window, rows)
    finally:
        worker.close()


def _read_ahead(worker: Worker, windows: tuple[Window, ...]) -> Iterator[tuple[Window, pyarrow.Table]]:
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        ahead = pool.submit(worker.read, windows[0]) if windows else None
        for window, following in zip(windows, (*windows[1:], None)):
            assert ahead is not None
            rows = ahead.result()
            if following is not None:
                ahead = pool.submit(worker.read, following)
            yield window, rows
