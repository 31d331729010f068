"""Arrays on disk: safetensors files written whole and opened memory-mapped."""

from __future__ import annotations

import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file


@contextmanager
def written_whole(path: str | Path) -> Iterator[str]:
    """The name of a hidden file beside `path` that takes its place when all went well.

    A reader or an interrupted run never sees half a file: on an error the hidden file is removed, and
    what was at `path` stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, since two processes may write the same file.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    temporary.touch(exist_ok=False)
    try:
        permissions = stat.S_IMODE(temporary.stat().st_mode)
        yield str(temporary)
        # Those of any new file here; safetensors puts a file of its own in the place, which only its owner may read.
        os.chmod(temporary, permissions)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def save_arrays(path: str | Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Write `arrays` to a safetensors file, whole or not at all."""
    with written_whole(path) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary, metadata=metadata)


def open_arrays(path: str | Path, expected: dict[str, type]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Open a safetensors file without reading it: the arrays are read-only views of the mapped file.

    Args:
        path: the file.
        expected: name -> numpy kind (`np.integer`, `np.uint8`) of every array that must be there.

    Returns:
        The arrays and the file's metadata.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or an expected array is missing or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a safetensors file with {', '.join(expected)}")
    try:
        # The torch framework maps the file into memory, where the numpy one would copy every array.
        with safe_open(str(path), framework="pt") as file:
            metadata = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name).numpy() for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, RuntimeError, TypeError) as error:  # TypeError: a number format that numpy lacks
        raise ValueError(
            f"{path}: not a readable safetensors file ({error}); it may be cut short or of another kind: "
            "fetch or build it again"
        ) from error
    for name, kind in expected.items():
        if name not in arrays:
            raise ValueError(f"{path}: has no array {name!r}; expected {', '.join(expected)}: build the file again")
        if not np.issubdtype(arrays[name].dtype, kind) or arrays[name].ndim != 1:
            found = f"{arrays[name].dtype} of {arrays[name].ndim} dimensions"
            raise ValueError(f"{path}: array {name!r} is {found}; expected one dimension of {kind.__name__}")
    for array in arrays.values():
        array.flags.writeable = False
    return arrays, metadata


def fingerprint(arrays: dict[str, np.ndarray], text: str = "") -> str:
    """Hexadecimal SHA-256 of arrays with their names, and of a text that belongs to them."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def offsets_from_lengths(lengths: np.ndarray | list[int]) -> np.ndarray:
    """Offsets [n + 1] int64 of consecutive pieces with the given lengths [n]."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The integers start, start + 1, ... of every range one after the other: [sum(lengths)] int64."""
    offsets = offsets_from_lengths(lengths)
    # Each position minus its range's offset counts from 0 within the range.
    return np.arange(offsets[-1], dtype=np.int64) + np.repeat(starts.astype(np.int64) - offsets[:-1], lengths)


def check_offsets(path: str | Path, name: str, offsets: np.ndarray, end: int) -> None:
    """Refuse offsets that do not run from 0 to `end` without a step back; the file is `path`."""
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != end or np.any(offsets[1:] < offsets[:-1]):
        raise ValueError(f"{path}: offsets {name!r} do not run from 0 to {end}; the file is damaged: build it again")
