"""The result file: everything that was measured, as it was measured."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angel_hf.jobs.text_file import write_json
from benchmarks.data import BenchmarkData
from benchmarks.machine import Machine
from benchmarks.search_speed import Contest, SearchSpeed
from benchmarks.timing import Ratio, Timing
from benchmarks.trie_cost import LEAST_MEMORY_RATIO, LEAST_TIME_RATIO, MOST_OPEN_SECONDS, TrieCost

FORMAT = "angel-benchmarks-1"


@dataclass(frozen=True)
class Run:
    """A whole run."""

    command: str
    quick: bool
    seed: int
    machine: Machine
    data: BenchmarkData
    search: SearchSpeed
    trie: TrieCost


def write_run(path: Path, run: Run) -> None:
    """Write a run as JSON, whole or not at all; times in seconds, memory in bytes."""
    document = {
        "format": FORMAT,
        "command": run.command,
        "quick": run.quick,
        "seed": run.seed,
        "machine": dataclasses.asdict(run.machine),
        "data": {"root": run.data.root.name, "substitutes": list(run.data.substitutes)},
        "search": _search(run.search, judged=run.data.has_reference),
        "trie": _trie(run.trie, judged=run.data.has_mesh and not run.quick),
    }
    write_json(path, document)


def _search(search: SearchSpeed, judged: bool) -> dict[str, Any]:
    found = dataclasses.asdict(search)
    found["contests"] = [_contest(contest, judged) for contest in search.contests]
    return found


def _contest(contest: Contest, judged: bool) -> dict[str, Any]:
    theirs = {"batch_size": contest.their_batch_size, "mentions": contest.mentions}
    return {
        "ours": {"batch_size": contest.our_batch_size, "mentions": contest.mentions} | _speed(contest.ours),
        "theirs": theirs | _speed(contest.theirs),
        "theirs_by_default": theirs | _speed(contest.theirs_by_default),
        "ratio": dataclasses.asdict(contest.ratio),
        "ratio_by_default": dataclasses.asdict(contest.ratio_by_default),
        "target": {
            "least_ratio": contest.target,
            "met": contest.ratio.median >= contest.target if judged else None,
            "met_by_default": contest.ratio_by_default.median >= contest.target if judged else None,
        },
    }


def _speed(timing: Timing) -> dict[str, Any]:
    return {"cpu_seconds": timing.cpu_seconds, "mentions_per_cpu_second": timing.rate}


def _trie(trie: TrieCost, judged: bool) -> dict[str, Any]:
    against_no_gc = Ratio.of(trie.build["name-trie"], trie.build["nested-dict-without-gc"])
    return dataclasses.asdict(trie) | {
        "build": {name: {"cpu_seconds": timing.cpu_seconds} for name, timing in trie.build.items()},
        "time_ratio": dataclasses.asdict(trie.time_ratio),
        "time_ratio_without_gc": dataclasses.asdict(against_no_gc),
        "memory_ratio": trie.memory_ratio,
        "target": {
            "least_time_ratio": LEAST_TIME_RATIO,
            "least_memory_ratio": LEAST_MEMORY_RATIO,
            "most_open_seconds": MOST_OPEN_SECONDS,
            "met": {
                "time": trie.time_ratio.median >= LEAST_TIME_RATIO,
                "memory": trie.memory_ratio >= LEAST_MEMORY_RATIO,
                "open": trie.open_median <= MOST_OPEN_SECONDS,
            }
            if judged
            else None,
        },
    }
