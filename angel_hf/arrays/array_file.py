"""Arrays on disk: safetensors files written whole, opened memory-mapped, and checked by some of their blocks."""

from __future__ import annotations

import hashlib
import json
import os
import random
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

_DIGESTS = "block_digests"
_DIGITS = 16
_BLOCK_BYTES = 1 << 20
_SAMPLED_BLOCKS = 64
_LARGE_BYTES = 64 << 20  # smaller files are read whole, in less than a tenth of a second


@contextmanager
def written_whole(path: str | Path) -> Iterator[str]:
    """The name of a hidden file beside `path` that replaces it on success.

    No reader sees half a file: on an error the hidden file is removed, and `path` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A unique name, since two processes may write the same file.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    temporary.touch(exist_ok=False)
    try:
        permissions = stat.S_IMODE(temporary.stat().st_mode)
        yield str(temporary)
        # safetensors replaces the file by one that only its owner may read.
        os.chmod(temporary, permissions)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def file_in(path: str | Path, name: str) -> Path:
    """`path` where it is a `.safetensors` file, else the file `name` in that directory."""
    path = Path(path)
    return path if path.suffix == ".safetensors" else path / name


def save_arrays(path: str | Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Write arrays to a safetensors file, whole or not at all; the same contents give the same bytes.

    The metadata of large arrays get the digests of their blocks.
    """
    metadata = metadata | digest_metadata(arrays)
    with written_whole(path) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary, metadata=metadata)
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


class OpenedArrays(NamedTuple):
    """The arrays and metadata of a file; `is_sampled` where blocks of them were compared with their digests."""

    arrays: dict[str, np.ndarray]
    metadata: dict[str, str]
    is_sampled: bool


def open_arrays(path: str | Path, expected: dict[str, type]) -> OpenedArrays:
    """Open a safetensors file without reading it: the arrays are read-only views of the mapped file.

    `expected` gives the numpy kind (`np.integer`, `np.uint8`) of every array that must be there.

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
    for name, kind in expected.items():
        if name not in arrays:
            raise ValueError(f"{path}: has no array {name!r}; expected {', '.join(expected)}: build the file again")
        if not np.issubdtype(arrays[name].dtype, kind) or arrays[name].ndim != 1:
            found = f"{arrays[name].dtype} of {arrays[name].ndim} dimensions"
            raise ValueError(f"{path}: array {name!r} is {found}; expected one dimension of {kind.__name__}")
    for array in arrays.values():
        array.flags.writeable = False
    is_intact = sample_is_intact(arrays, metadata)
    if is_intact is False:
        raise ValueError(f"{path}: its contents are not those that were saved, the file is damaged: build it again")
    return OpenedArrays(arrays, metadata, bool(is_intact))


def fingerprint(arrays: dict[str, np.ndarray], text: str = "") -> str:
    """Hexadecimal SHA-256 of arrays with their names, and of a text that belongs to them."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def digest_metadata(arrays: dict[str, np.ndarray]) -> dict[str, str]:
    """For a file of large arrays, 16 hexadecimal digits of the SHA-256 of every block, end to end."""
    if sum(array.nbytes for array in arrays.values()) <= _LARGE_BYTES:
        return {}
    digests = {name: "".join(_digest(array, block) for block in _blocks(array)) for name, array in arrays.items()}
    return {_DIGESTS: json.dumps(digests)}


def sample_is_intact(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> bool | None:
    """Whether random blocks, and the first and last of each array, are as saved; None for small arrays or no digests.

    Other contents under the same metadata always fail; a single changed byte is sure to be found only by reading all.
    """
    if sum(array.nbytes for array in arrays.values()) <= _LARGE_BYTES or _DIGESTS not in metadata:
        return None
    try:
        digests = json.loads(metadata[_DIGESTS])
        fits = all(len(digests[name]) == _DIGITS * len(_blocks(array)) for name, array in arrays.items())
    except (ValueError, TypeError, KeyError):
        return False
    ends = [(name, block) for name, array in arrays.items() for block in (0, len(_blocks(array)) - 1) if len(array)]
    blocks = [(name, block) for name, array in arrays.items() for block in _blocks(array)]
    return fits and all(
        _digest(arrays[name], block) == digests[name][_DIGITS * block : _DIGITS * (block + 1)]
        for name, block in {*ends, *random.sample(blocks, min(_SAMPLED_BLOCKS, len(blocks)))}
    )


def _blocks(array: np.ndarray) -> range:
    return range(-(-array.nbytes // _BLOCK_BYTES))


def _digest(array: np.ndarray, block: int) -> str:
    content = np.ascontiguousarray(array).view(np.uint8)[block * _BLOCK_BYTES : (block + 1) * _BLOCK_BYTES]
    return hashlib.sha256(content.data).hexdigest()[:_DIGITS]


def check_offsets(path: str | Path, name: str, offsets: np.ndarray, end: int) -> None:
    """Refuse offsets that do not run from 0 to `end` without a step back; the file is `path`."""
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != end or np.any(offsets[1:] < offsets[:-1]):
        raise ValueError(f"{path}: offsets {name!r} do not run from 0 to {end}; the file is damaged: build it again")
