"""Arrays on disk: safetensors files written whole, and opened memory-mapped."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import re
import socket
import stat
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_OLD_SECONDS = 86_400


@contextmanager
def written_whole(path: str | Path) -> Iterator[str]:
    """The name of a hidden file beside `path` that replaces it on success.

    No reader sees half a file: on an error the hidden file is removed, and `path` stays as it was. Hidden files that a
    killed process left of this one are removed. A full disk is an OSError with `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 32}.tmp"):
        if is_abandoned(other):
            other.unlink(missing_ok=True)
    # A unique name, since two processes may write the same file; it tells whose it is.
    temporary = path.with_name(f".{path.name}.{_host()}{os.getpid():08x}{uuid.uuid4().hex[:16]}.tmp")
    temporary.touch(exist_ok=False)
    try:
        permissions = stat.S_IMODE(temporary.stat().st_mode)
        yield str(temporary)
        # safetensors replaces the file by one that only its owner may read.
        os.chmod(temporary, permissions)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL and error.filename in (None, str(temporary)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def is_abandoned(temporary: Path) -> bool:
    """Whether no process writes a hidden file any more: its process of this machine is gone, or it is a day old."""
    owner = temporary.name.split(".")[-2]
    try:
        if os.name == "posix" and re.fullmatch(f"{_host()}[0-9a-f]{{24}}", owner):
            os.kill(int(owner[8:16], 16), 0)
        return time.time() - temporary.stat().st_mtime > _OLD_SECONDS
    except ProcessLookupError:
        return True
    except OSError:  # another user's process, or the file is gone
        return False


def file_in(path: str | Path, name: str) -> Path:
    """`path` where it is a `.safetensors` file, else the file `name` in that directory."""
    path = Path(path)
    return path if path.suffix == ".safetensors" else path / name


def save_arrays(path: str | Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Write arrays to a safetensors file, whole or not at all; the same contents give the same bytes."""
    with written_whole(path) as temporary:
        try:
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary, metadata)
        except SafetensorError as error:
            raise OSError(f"{path}: could not be written ({error})") from error
        _sort_metadata(temporary)


def _sort_metadata(path: str) -> None:
    """Rewrite the header in place with its metadata by key; safetensors writes them in random order."""
    with open(path, "r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        assert len(text) <= length, "the same header takes no more bytes"
        file.seek(8)
        file.write(text.ljust(length))  # the format pads its header with spaces


def open_arrays(
    path: str | Path, expected: Mapping[str, type], optional: Mapping[str, type] = MappingProxyType({})
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Open a safetensors file without reading it: arrays, read-only views of the mapped file, and metadata.

    `expected` gives the numpy kind (`np.integer`, `np.uint8`) of every array that must be there, `optional` of others.

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
        fault = f"{path}: not a readable safetensors file ({error}); it may be cut short or of another kind"
        raise ValueError(f"{fault}: fetch or build it again") from error
    for name, kind in {**optional, **expected}.items():
        if name not in arrays and name not in expected:
            continue
        if name not in arrays:
            raise ValueError(f"{path}: has no array {name!r}; expected {', '.join(expected)}: build the file again")
        if not np.issubdtype(arrays[name].dtype, kind) or arrays[name].ndim != 1:
            found = f"{arrays[name].dtype} of {arrays[name].ndim} dimensions"
            fault = f"{path}: array {name!r} is {found}; expected one dimension of {kind.__name__}"
            raise ValueError(f"{fault}, the file is damaged: build it again")
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


def check_offsets(path: str | Path, name: str, offsets: np.ndarray, end: int) -> None:
    """Refuse offsets that do not run from 0 to `end` without a step back; the file is `path`."""
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != end or np.any(offsets[1:] < offsets[:-1]):
        raise ValueError(f"{path}: offsets {name!r} do not run from 0 to {end}; the file is damaged: build it again")
