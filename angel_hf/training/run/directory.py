"""The directory of a run: its recipe, the digests of its files, and a lock against a second run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from filelock import FileLock, Timeout

from angel_hf.jobs.claim import differences
from angel_hf.jobs.readable import read_json_object
from angel_hf.jobs.text_file import write_json
from angel_hf.training.recipes.schema import Recipe

RECIPE, FILES = "recipe.json", "files.json"
"""Files of a run's directory: its recipe, and the digests of the files that it reads."""
_LOCK = ".lock"
_PATIENCE = 20.0
"""Seconds to wait for another run: the processes of a killed launcher take a moment to end."""
_BLOCK = 1 << 20


@contextmanager
def alone_in(output: Path) -> Iterator[None]:
    """Lock a directory against every other run, also one whose launcher was killed while its processes live on.

    The system releases the lock when the process that holds it ends in any way. On a file system without locks
    filelock uses a file instead, and breaks the lock of a dead process of the same machine.

    Raises:
        ValueError: another run is at work there.
    """
    output.mkdir(parents=True, exist_ok=True)
    lock, refusal = FileLock(output / _LOCK), [""]
    if PartialState().is_main_process:
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout:
            refusal = [
                f"another run is at work in {output}; expected it to have ended: wait, or name another --output; "
                f"if none is, remove {output / _LOCK}"
            ]
    broadcast_object_list(refusal)
    if refusal[0]:
        raise ValueError(refusal[0])
    try:
        yield
    finally:
        lock.release()


def digests(files: Iterable[Path], data: Path) -> dict[str, str]:
    """Path -> SHA-256 of each file; paths are relative to a directory if below it."""
    found = {}
    for path in files:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        name = path.relative_to(data) if path.is_relative_to(data) else path
        found[name.as_posix()] = digest.hexdigest()
    return found


def claim(recipe: Recipe, files: dict[str, str], output: Path) -> None:
    """Record the recipe and the digests in a run's directory, or check them against those recorded there.

    Args:
        recipe: of the run.
        files: `digests` of the files that it reads.
        output: the directory.

    Raises:
        ValueError: it holds the work of another recipe or of other files; the message names the first difference.
    """
    for name, record in ((RECIPE, json.loads(json.dumps(recipe.as_table()))), (FILES, files)):
        path = output / name
        if path.is_file():
            found = read_json_object(path, "remove that directory to start anew, or name another --output")
            for key, before, now in differences(found, record):
                raise ValueError(
                    f"{output} holds the work of {_other(name, key, before, now)}; "
                    "name another --output, or remove that directory to start anew"
                )
        elif PartialState().is_main_process:
            write_json(path, record)
        PartialState().wait_for_everyone()


def changed_files(source: Path, files: dict[str, str]) -> Iterator[str]:
    """Files whose contents have changed since the run in a directory read them."""
    record = source / FILES
    if record.is_file():
        found = read_json_object(record, "expected what a run recorded: name the folder of another run")
        yield from (name for name, digest in files.items() if found.get(name, digest) != digest)


def _other(name: str, key: str, before: object, now: object) -> str:
    if name == RECIPE:
        return f"another recipe: {key} was {before!r} and is {now!r}"
    return f"other data: {key} has changed since"
