"""Results as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from eval_harness.result import Result
from eval_harness.run import Timing

_COLUMNS = ("protocol", "predictor", "mentions", "unanswered", "acc@1", "95% interval", "acc@5", "MRR", "macro")
_SECONDS = "seconds"


def format_table(results: Sequence[Result], timings: Sequence[Timing] = ()) -> str:
    """One line a result, in percent; seconds in the predictor where it ran this time."""
    seconds = {(one.protocol, one.predictor): f"{one.seconds:.1f}" for one in timings}
    rows = [[*_COLUMNS, _SECONDS]]
    rows += [[*_row(one), seconds.get((one.protocol.name, one.predictor), "-")] for one in results]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(cell.ljust(width) if column < 2 else cell.rjust(width) for column, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths)) for row in rows)
    )
    return "\n".join(lines)


def _row(result: Result) -> list[str]:
    interval = result.accuracy_at_1_interval
    spread = f" ± {result.accuracy_at_1_spread:.1f}" if result.accuracy_at_1_spread is not None else ""
    return [
        result.protocol.name,
        result.predictor,
        str(result.mentions),
        str(result.unanswered),
        f"{result.accuracy_at[1]:.1f}{spread}",
        f"{interval.low:.1f}-{interval.high:.1f}" if interval else "-",
        f"{result.accuracy_at[5]:.1f}",
        f"{result.mean_reciprocal_rank:.1f}",
        f"{result.macro_accuracy_at_1:.1f}",
    ]
