"""Sweeps as JSON and as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.sweep_measurement import BATCH_SIZE, NUM_BEAMS, OURS, THEIR_BATCH_SIZE, Point, Sweeps

WIDTH = 112


def sweeps_document(sweeps: Sweeps) -> dict[str, Any]:
    """Every repeat of every point, and rates by the medians."""
    points = {
        name: [_point(point) for point in getattr(sweeps, name)] for name in ("by_batch_size", "by_beams", "by_names")
    }
    work = {"decoder_rows": sweeps.work.decoder_rows, "operations": sweeps.work.operations}
    return dataclasses.asdict(sweeps) | points | {"work": dataclasses.asdict(sweeps.work) | work}


def _point(point: Point) -> dict[str, Any]:
    return {
        "series": point.series,
        "at": point.at,
        "mentions": point.timing.work,
        "cpu_seconds": point.timing.cpu_seconds,
        "mentions_per_cpu_second": point.timing.rate,
    }


def print_sweeps(sweeps: Sweeps) -> None:
    """Print to standard output."""
    console = Console(width=WIDTH, highlight=False)
    console.print(
        f"{sweeps.model}: {sweeps.parameters / 1e6:.1f}M parameters, {sweeps.names:,} names; {sweeps.mentions} "
        f"mentions, {sweeps.mean_source_tokens:.0f} source tokens on average"
    )
    for title, points in (
        (f"by batch size, {NUM_BEAMS} beams", sweeps.by_batch_size),
        (f"by beams, batches of {BATCH_SIZE} against {THEIR_BATCH_SIZE}", sweeps.by_beams),
        (f"by names, {NUM_BEAMS} beams, batches of {BATCH_SIZE} against {THEIR_BATCH_SIZE}", sweeps.by_names),
    ):
        console.print(_speeds(title, points))
    table = _table("Memory by names, MB", ["names", "NameTrie", "its building, peak", "its file", "nested dict"])
    for point in sweeps.memory:
        sizes = (point.name_trie.held, point.name_trie.peak, point.file_bytes, point.nested_dict.held)
        table.add_row(f"{point.names:,}", *(f"{size / 1e6:,.1f}" for size in sizes))
    console.print(table)
    work, mentions = sweeps.work, sweeps.mentions
    console.print(
        f"Counted, a mention: {work.encoder_tokens / mentions:.0f} tokens, {work.decoder_rows / mentions:.0f} rows "
        f"of beams, {work.operations / mentions / 1e9:.3f} billion operations against "
        f"{sweeps.their_operations / mentions / 1e9:.3f} of generate"
    )


def _speeds(title: str, points: Sequence[Point]) -> Table:
    table = _table(f"Mentions a CPU second {title}", ["", "angel_hf", "generate", "ours by"])
    ours = {point.at: point.timing.rate for point in points if point.series == OURS}
    theirs = {point.at: point.timing.rate for point in points if point.series != OURS}
    for at, rate in ours.items():
        their = theirs.get(at)
        compared = ("", "") if their is None else (f"{their:.2f}", f"{rate / their:.2f}x")
        table.add_row(f"{at:,}", f"{rate:.2f}", *compared)
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table
