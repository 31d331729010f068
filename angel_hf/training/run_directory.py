"""The directory of a run: whose work it holds, made from which files, and that one run at a time is at work in it."""

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
from angel_hf.jobs.text_file import write_json
from angel_hf.training.recipe import Recipe

RECIPE, FILES = "recipe.json", "files.json"
"""What a run's directory notes its recipe in, and the digests of the files that it reads."""
_LOCK = ".lock"
_PATIENCE = 20.0
"""Seconds to wait for another run: the processes of a killed launcher take a moment to notice."""
_BLOCK = 1 << 20


@contextmanager
def alone_in(output: Path) -> Iterator[None]:
    """Keep every other run out of a directory, also one whose launcher was killed while its processes go on.

    The system gives the lock back when the process that holds it ends, however it does; on a file system without locks
    filelock keeps a file in its place, and takes that from a process of the same machine that has ended.

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
    """SHA-256 of each file, by its path below a directory; one that is elsewhere, by its whole path."""
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
    """Note in a directory whose work it holds.

    Args:
        recipe: that is run.
        files: `digests` of what it reads.
        output: the directory.

    Raises:
        ValueError: it holds the work of another recipe, or of files that had other contents; the first difference is
            named.
    """
    for name, wanted in ((RECIPE, json.loads(json.dumps(recipe.as_table()))), (FILES, files)):
        path = output / name
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            for key, before, now in differences(found, wanted):
                raise ValueError(
                    f"{output} holds the work of {_other(name, key, before, now)}; "
                    "name another --output, or remove that directory to start anew"
                )
        elif PartialState().is_main_process:
            write_json(path, wanted)
        PartialState().wait_for_everyone()


def changed_files(source: Path, files: dict[str, str]) -> Iterator[str]:
    """Those files that had other contents when the run in a directory read them."""
    noted = source / FILES
    if noted.is_file():
        found = json.loads(noted.read_text(encoding="utf-8"))
        yield from (name for name, digest in files.items() if found.get(name, digest) != digest)


def _other(name: str, key: str, before: object, now: object) -> str:
    if name == RECIPE:
        return f"another recipe: {key} was {before!r} and is {now!r}"
    return f"other data: {key} has changed since"
