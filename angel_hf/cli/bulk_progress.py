"""The progress of a bulk run, for people and for logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer
from tqdm import tqdm

if TYPE_CHECKING:
    from angel_hf.bulk import Report, Run

_MOST_CAUSES_SHOWN = 20
_SECONDS_BETWEEN_LINES = 60


def show_progress(run: Run, reports: Iterator[Report]) -> None:
    """Draw every report and show the progress on stderr: a bar on a terminal, a line now and then in a log."""
    total, done = run.rows, run.rows - run.pending_rows
    with ExitStack() as opened:
        bar = opened.enter_context(
            tqdm(total=total, initial=done, unit="rows", unit_scale=True, desc="linking", file=sys.stderr, disable=None)
        )
        lines = _Lines(total, done) if bar.disable else None
        mentions = shown = 0
        for report in reports:
            mentions += report.mentions
            for cause in report.causes[: max(0, _MOST_CAUSES_SHOWN - shown)]:
                tqdm.write(f"rejected {cause}", file=sys.stderr)
            if shown <= _MOST_CAUSES_SHOWN < shown + report.rejected:
                tqdm.write("further causes are only in the shards of rejected rows", file=sys.stderr)
            shown += report.rejected
            bar.set_postfix(mentions=mentions, refresh=False)
            bar.update(report.rows)
            if lines is not None:
                lines.add(report.rows)


class _Lines:
    """Progress for a file: a line a minute at most.

    Args:
        total: rows of the run.
        done: rows that were linked before.
    """

    def __init__(self, total: int, done: int) -> None:
        self._total, self._before, self._done = total, done, done
        self._began = self._last_line = time.monotonic()

    def add(self, rows: int) -> None:
        """Count rows; write a line if it is time."""
        self._done += rows
        now = time.monotonic()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            rate = (self._done - self._before) / (now - self._began)
            typer.echo(f"linking: {self._done:,} of {self._total:,} rows, {rate:,.1f} rows/s", err=True)
