"""Many runs in one table, for each benchmark and protocol the best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from angel_hf.jobs.text_file import write_text
from eval_harness.published import PublishedNumber, published_numbers
from eval_harness.report.report import environment
from eval_harness.result import Result
from eval_harness.result_file import RESULTS_FILE, RunDescription, read_results


@dataclass(frozen=True, slots=True)
class Entry:
    """A result with its run."""

    run: RunDescription
    result: Result

    @property
    def system(self) -> str:
        """The predictor, with its model where that says more."""
        model = self.run.models.get(self.result.predictor, "")
        return self.result.predictor if model in ("", self.result.predictor) else f"{self.result.predictor} ({model})"

    @property
    def rows(self) -> str:
        """Source and text form of the rows."""
        return f"{self.run.source}, {self.run.text}"


@dataclass(frozen=True, slots=True)
class Board:
    """The results of one benchmark, split and protocol, best first."""

    benchmark: str
    split: str
    protocol: str
    entries: tuple[Entry, ...]
    published: tuple[PublishedNumber, ...]


def read_boards(directories: Sequence[Path]) -> list[Board]:
    """The boards of runs.

    Args:
        directories: with a results.json each, or with such directories in them.

    Raises:
        FileNotFoundError: a directory has no results.
        ValueError: a file is damaged.
    """
    entries = []
    for directory in directories:
        files = sorted(directory.rglob(RESULTS_FILE))
        if not files:
            raise FileNotFoundError(f"{directory}: no {RESULTS_FILE} in it; expected the output of angel-eval run")
        for file in files:
            report = read_results(file)
            entries += [Entry(report.run, result) for result in report.results]
    keys = dict.fromkeys((one.run.benchmark, one.run.split, one.result.protocol.name) for one in entries)
    return [_board(*key, entries) for key in keys]


def write_leaderboard(out: Path, boards: Sequence[Board]) -> str:
    """Write leaderboard.md and leaderboard.html; returns the Markdown."""
    markdown = environment().get_template("leaderboard.md.jinja").render(boards=boards)
    write_text(out / "leaderboard.md", markdown)
    write_text(out / "leaderboard.html", environment().get_template("leaderboard.html.jinja").render(boards=boards))
    return markdown


def _board(benchmark: str, split: str, protocol: str, entries: Sequence[Entry]) -> Board:
    own = [
        one
        for one in entries
        if (one.run.benchmark, one.run.split, one.result.protocol.name) == (benchmark, split, protocol)
    ]
    own.sort(key=lambda one: -one.result.accuracy_at[1])
    published = published_numbers(benchmark) if split == "test" and protocol == "angel" else ()
    return Board(benchmark, split, protocol, tuple(own), published)
