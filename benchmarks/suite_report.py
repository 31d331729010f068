"""The figures of all runs as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Spread, spreads
from benchmarks.suite import Run

_WIDTH = 132


def print_runs(runs: Sequence[Run]) -> None:
    """Print to standard output."""
    console = Console(width=_WIDTH, highlight=False)
    for number, run in enumerate(runs, start=1):
        for part, document in run.parts.items():
            machine = document["machine"]
            console.print(
                f"run {number}, {part}: {machine['cpu']}, {machine['cores']} cores, {machine['threads']} thread(s), "
                f"{machine['instructions']}, load {machine['load']}, torch {machine['versions']['torch']}"
            )
        for part, reason in run.lacking.items():
            console.print(f"run {number}, [bold]{part} was not measured[/bold]: {reason}")
    found = spreads([run.parts for run in runs])
    if found:
        console.print(_table(found, len(runs)))


def _table(found: Sequence[Spread], runs: int) -> Table:
    table = Table(title=f"Figures, {runs} run{'s' if runs > 1 else ''}", title_justify="left", title_style="bold")
    table.add_column("")
    for column in ("median", "least - most", "unit", "target", "met"):
        table.add_column(column, justify="right", no_wrap=True)
    for spread in found:
        table.add_row(
            f"{spread.part}: {spread.name}",
            f"{spread.median:.4g}",
            f"{min(spread.values):.4g} - {max(spread.values):.4g}" if len(spread.values) > 1 else "",
            spread.unit,
            spread.target or "",
            runs_that_met(spread),
        )
    return table


def runs_that_met(spread: Spread) -> str:
    """In how many runs the target was met."""
    judged = [met for met in spread.met if met is not None]
    if not judged:
        return "not judged" if spread.target else ""
    if len(judged) == 1:
        return "met" if judged[0] else "NOT MET"
    return f"{sum(judged)} of {len(judged)} runs"
