"""All measurements, each part by a command in a process of its own; `angel bench` runs them.

torch and numpy read the number of threads from the environment at their first import, so nothing is measured in this
process.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.data import DATA_VARIABLE, REPOSITORY
from benchmarks.figures import Document

FORMAT = "angel-bench-1"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY")


@dataclass(frozen=True)
class Part:
    """One command, `python -m MODULE`, with its arguments for a measurement and for a quick look.

    Attributes:
        in_core: run unless other parts are named.
        needs: files of the data folder, without which the part is left out.
        quick: arguments for a look.
        repeats: the option that takes the number of repeats.
        folder: the option that takes a folder for large files, where there is one.
    """

    name: str
    module: str
    measures: str
    in_core: bool = False
    needs: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    repeats: str | None = "--repeats"
    folder: str | None = None


PARTS = (
    Part("core", "benchmarks", "search and trie beside generate and a nested dict", True, quick=("--quick",)),
    Part("sweeps", "benchmarks.sweeps", "speed by batch, beams and names; memory by names", True, quick=("--quick",)),
    Part(
        "base",
        "benchmarks.base_search",
        "search on BART-base's shape, its profile, two threads",
        needs=("reference/small/golden.json",),
        quick=("--mentions", "4"),
    ),
    Part(
        "options",
        "benchmarks.search_options",
        "options beside the published search, with their accuracy",
        needs=("data/ncbi_disease", "data/kb/medic_06Jul2012.txt"),
        quick=("--mentions", "20"),
        repeats=None,
    ),
    Part(
        "scale",
        "benchmarks.ten_million",
        "ten million names built, opened and linked to",
        needs=("reference/small/golden.json", "data/kb"),
        quick=("--names", "200000"),
        folder="--folder",
    ),
    Part(
        "bulk",
        "benchmarks.bulk",
        "Parquet to Parquet, and operations a second of BART-large's shape",
        quick=("--documents", "12", "--large-mentions", "1"),
    ),
)


@dataclass(frozen=True)
class Request:
    """What to measure.

    Attributes:
        parts: in their order.
        runs: number of runs, one after the other.
        repeats: within a run, of every measurement; None for each part's default.
        threads: of the sweeps; the other parts have one, or set their own.
        data: the folder of reference models and knowledge bases; None for what `benchmarks.data` finds.
    """

    parts: tuple[Part, ...]
    runs: int = 1
    repeats: int | None = None
    threads: int = 1
    quick: bool = False
    data: Path | None = None


@dataclass(frozen=True)
class Run:
    """One run: result files by part, and the reasons of parts without one."""

    started: str
    parts: dict[str, Document]
    lacking: dict[str, str]


def measure(
    request: Request,
    progress: Callable[[str], None],
    measured: Sequence[Run] = (),
    keep: Callable[[list[Run]], None] = lambda runs: None,
) -> list[Run]:
    """Run everything; what the parts print goes to this process's standard output.

    Args:
        request: what to measure.
        progress: called with a line of text at each stage.
        measured: runs of the same request before it was stopped; their parts are not measured again.
        keep: called with all runs after each part.
    """
    runs = list(measured)
    for number in range(1, request.runs + 1):
        if len(runs) < number:
            runs.append(Run(datetime.now(timezone.utc).isoformat(timespec="seconds"), {}, {}))
        run = runs[number - 1]
        for part in request.parts:
            if part.name in run.parts:
                progress(f"run {number} of {request.runs}: {part.name} was measured before")
                continue
            progress(f"run {number} of {request.runs}: {part.name}, {part.measures}")
            run.lacking.pop(part.name, None)
            found = _measure_part(part, request)
            if isinstance(found, str):
                progress(f"{part.name}: not measured: {found}")
                run.lacking[part.name] = found
            else:
                run.parts[part.name] = found
            keep(runs)
    return runs


def data_folder(data: Path | None) -> Path:
    """Where reference models and knowledge bases are looked for."""
    return data or Path(os.environ.get(DATA_VARIABLE, REPOSITORY.parent / "shared"))


def _measure_part(part: Part, request: Request) -> Document | str:
    """A part's result file, or why there is none."""
    folder = data_folder(request.data)
    lacking = [name for name in part.needs if not (folder / name).exists()]
    if lacking:
        return f"{folder / lacking[0]} is not there; set {DATA_VARIABLE} or --data to a folder that has it"
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary, "result.json")
        arguments = _arguments(part, request)
        command = shlex.join(["python", "-m", part.module, *arguments])
        large_files = [part.folder, temporary] if part.folder else []
        done = subprocess.run(
            [sys.executable, "-m", part.module, *arguments, *large_files, "--output", str(output)],
            env=_environment(request.threads, folder),
            check=False,
        )
        if done.returncode or not output.is_file():
            return f"`{command}` ended with code {done.returncode}"
        # Without the temporary folder, whose name is arbitrary.
        request_fields = {"command": command, "quick": request.quick}
        return json.loads(output.read_text(encoding="utf-8")) | request_fields


def _arguments(part: Part, request: Request) -> list[str]:
    arguments = list(part.quick) if request.quick else []
    if request.repeats is not None and part.repeats is not None:
        arguments += [part.repeats, str(request.repeats)]
    return arguments


def _environment(threads: int, data: Path) -> dict[str, str]:
    found = os.environ | dict.fromkeys(_THREADS, str(threads)) | dict.fromkeys(_OFFLINE, "1")
    path = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return found | {"TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": os.pathsep.join(path), DATA_VARIABLE: str(data)}
