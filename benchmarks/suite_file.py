"""The result file of a suite, and beside it the parts measured before a run was stopped."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from angel_hf.jobs.claim import differences
from angel_hf.jobs.text_file import write_json
from benchmarks.data import REPOSITORY
from benchmarks.figures import spreads
from benchmarks.machine import this_machine
from benchmarks.suite import FORMAT, Request, Run


class SuiteFile:
    """Where the measurements of one request go.

    The file itself appears when everything is measured; until then `FILE.partial` holds the finished parts.

    Args:
        path: of the result file.
        command: that measures.
        request: what is measured.
    """

    def __init__(self, path: Path, command: str, request: Request) -> None:
        self.path = path
        self.partial = path.with_name(path.name + ".partial")
        self.command = command
        self.request = request
        requested = {
            "request": _request_fields(request),
            "machine": _describe_machine(),
            "code": code_digest(REPOSITORY),
        }
        self.requested = json.loads(json.dumps(requested))

    def measured(self) -> list[Run]:
        """The runs that were measured before this was stopped, the last one maybe in part.

        Raises:
            ValueError: something else was being measured, or on another machine, or by other code.
        """
        if not self.partial.is_file():
            return []
        document = json.loads(self.partial.read_text(encoding="utf-8"))
        for key, before, now in differences(document["requested"], self.requested):
            raise ValueError(
                f"{self.partial} holds a measurement that was stopped: its {key} was {before!r} and is {now!r}; "
                "name another --output, or remove that file to measure anew"
            )
        return [Run(**run) for run in document["runs"]]

    def keep(self, runs: Sequence[Run]) -> None:
        """Write the finished parts.

        Raises:
            ValueError: the code has changed since the start; the last part may come from either version.
        """
        if (now := code_digest(REPOSITORY)) != self.requested["code"]:
            raise ValueError(
                f"the code was {self.requested['code']!r} and is {now!r} since the last part began, which is "
                "dropped; measure in a copy of the repository that nothing changes"
            )
        write_json(self.partial, {"requested": self.requested, "runs": [dataclasses.asdict(run) for run in runs]})

    def finish(self, runs: Sequence[Run]) -> None:
        """Write the result file: every part's of every run, and the figures over the runs."""
        document = {
            "format": FORMAT,
            "command": self.command,
            "code": self.requested["code"],
            "quick": self.request.quick,
            "figures": [
                dataclasses.asdict(spread) | {"median": spread.median, "relative": spread.relative}
                for spread in spreads([run.parts for run in runs])
            ],
            "runs": [dataclasses.asdict(run) for run in runs],
        }
        write_json(self.path, document)
        self.partial.unlink(missing_ok=True)


def code_digest(repository: Path) -> str:
    """A digest of the sources that are measured and that measure: of the files' names and contents."""
    digest = hashlib.sha256()
    for package in ("angel_hf", "benchmarks"):
        for path in sorted((repository / package).rglob("*.py")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(repository).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


def _request_fields(request: Request) -> dict[str, Any]:
    """A request in JSON; its parts by name."""
    fields = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    return fields | {"parts": [part.name for part in request.parts], "data": request.data and str(request.data)}


def _describe_machine() -> dict[str, Any]:
    """The machine without what changes from process to process."""
    machine = dataclasses.asdict(this_machine())
    return {key: value for key, value in machine.items() if key not in ("threads", "load")}
