"""Results as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from eval_harness.scoring import Result

_COLUMNS = (
    "protocol",
    "predictor",
    "mentions",
    "unanswered",
    "acc@1",
    "acc@5",
    "distinct",
    "acc@1",
    "acc@5",
    "seconds",
)


def format_table(results: Sequence[Result]) -> str:
    """One line a result; accuracies in percent, over mentions and then over distinct pairs of string and concepts."""
    rows = [_COLUMNS, *map(_row, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) if column < 2 else cell.rjust(width) for column, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths)) for row in rows)
    ]
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.protocol.name,
        result.predictor,
        str(result.mentions),
        str(result.unanswered),
        f"{result.accuracy_at[1]:.1f}",
        f"{result.accuracy_at[5]:.1f}",
        str(result.distinct),
        f"{result.distinct_accuracy_at[1]:.1f}",
        f"{result.distinct_accuracy_at[5]:.1f}",
        f"{result.seconds:.1f}",
    )
