"""`python -m benchmarks.negatives STUDY.toml --data DIR --runs DIR --output FILE`: what negatives add to training.

Trains every variant of a study and its control, links the same mentions with all of them, and reports what each gains
over positive training alone and over its control, with intervals of the paired bootstrap over documents. A stopped run
resumes. Folds can be trained at different times or on different machines, and pooled in the end.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from transformers.utils import logging

from angel_hf.jobs.text_file import write_json
from benchmarks.machine import this_machine
from benchmarks.negatives.answers import answer_all
from benchmarks.negatives.comparison import Row, compare
from benchmarks.negatives.folds import AnswersBySplit, answers_as_table, part_of, pooled
from benchmarks.negatives.study import Study, read_study
from benchmarks.negatives.training import train_all
from eval_harness.significance import Difference

FORMAT = "angel-negatives-1"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    study: Annotated[Path, typer.Argument(help="TOML file.", exists=True, dir_okay=False)],
    data: Annotated[Path, typer.Option(help="Directory that all paths are below.", exists=True, file_okay=False)],
    runs: Annotated[Path, typer.Option(help="Directory of the runs.", file_okay=False)],
    output: Annotated[Path, typer.Option(help="JSON file for the results.", dir_okay=False)],
    reuse: Annotated[
        Path | None, typer.Option(help="A finished run whose stages are taken over where the recipes agree.")
    ] = None,
    fold: Annotated[list[int], typer.Option(help="Only this fold of the study; repeatable.")] = [],  # noqa: B006
    variant: Annotated[list[str], typer.Option(help="Only this variant of the study; repeatable.")] = [],  # noqa: B006
    pool: Annotated[
        list[Path], typer.Option(help="Results of the same study on other folds, pooled with these.", exists=True)
    ] = [],  # noqa: B006
) -> None:
    """Train the variants of a study and compare them."""
    logging.disable_progress_bar()
    read = part_of(read_study(study), fold, variant)
    train_all(read, data, runs, reuse, _report)
    read, answers = pooled(read, answer_all(read, data, runs, _report), pool)
    rows = list(compare(read, answers))
    Console(width=150, highlight=False).print(table_of(read, rows))
    write_json(output, document_of(study.name, read, rows, answers))


def document_of(file: str, study: Study, rows: list[Row], answers: AnswersBySplit) -> dict[str, Any]:
    """The result file's contents; with the answers where there are folds, so that they can be pooled."""
    return {
        "format": FORMAT,
        "study_file": file,
        "study": dataclasses.asdict(study),
        "machine": dataclasses.asdict(this_machine()),
        "rows": [dataclasses.asdict(row) | {"mean": row.mean, "spread": row.spread} for row in rows],
        "answers": answers_as_table(answers) if study.folds else None,
    }


def table_of(study: Study, rows: list[Row]) -> Table:
    """The rows for people."""
    table = Table(title=f"{study.benchmark}, {study.protocol}: accuracy at 1 in percent, and what is gained")
    table.add_column("split")
    table.add_column("variant")
    for column in ("accuracy", "seeds", "over positive only", "over likelihood"):
        table.add_column(column, justify="right")
    for row in rows:
        spread = "" if row.spread is None else f" ± {row.spread:.2f}"
        gains = (_gain(row.over_positive), _gain(row.over_control))
        table.add_row(row.split, row.variant, f"{row.mean:.2f}{spread}", str(len(row.accuracy)), *gains)
    return table


def _gain(change: Difference | None) -> str:
    if change is None:
        return "-"
    return f"{change.difference:+.2f} [{change.interval.low:+.2f}, {change.interval.high:+.2f}]"


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    app()
