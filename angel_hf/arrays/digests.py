"""Whether saved arrays are as they were saved: digests of their blocks and of the header, kept in the metadata."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import numpy as np

from angel_hf.arrays.array_file import fingerprint

_BLOCKS, _HEADER = "block_digests", "header_digest"
_DIGITS = 16
_BLOCK_BYTES = 1 << 20
_SAMPLED_BLOCKS = 64
_LARGE_BYTES = 64 << 20  # smaller files are read whole, in less than a tenth of a second


def with_digests(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> dict[str, str]:
    """The metadata of a file with two more: 16 hexadecimal digits of the SHA-256 of every block of each array, end to
    end, and of everything that the header says (names, number formats, shapes, metadata).
    """
    blocks = {name: "".join(_digest(array, block) for block in _blocks(array)) for name, array in arrays.items()}
    metadata = {key: value for key, value in metadata.items() if key not in (_BLOCKS, _HEADER)}
    metadata |= {_BLOCKS: json.dumps(blocks, sort_keys=True)}
    return metadata | {_HEADER: _header_digest(arrays, metadata)}


def checked(
    path: Path,
    arrays: dict[str, np.ndarray],
    metadata: dict[str, str],
    recorded: str | None,
    text: str = "",
    *,
    verify: bool = False,
) -> bool:
    """Compare a file's arrays with its digests; all of them below 64 MiB or with `verify`, else a sample of blocks.

    Args:
        path: of the file, for the error.
        arrays, metadata: as opened.
        recorded: the fingerprint that the file tells, which stands in for digests in older files.
        text: that belongs to the fingerprint.
        verify: whether to read all, however large.

    Returns:
        Whether there was something to compare with, and it was read.

    Raises:
        ValueError: the file is damaged.
    """
    is_intact = are_intact(arrays, metadata, verify)
    if is_intact is None and recorded is not None and (verify or not is_large(arrays)):
        is_intact = fingerprint(arrays, text) == recorded
    if is_intact is False:
        raise ValueError(f"{path}: its contents are not those that were saved, the file is damaged: build it again")
    return bool(is_intact)


def are_intact(arrays: dict[str, np.ndarray], metadata: dict[str, str], verify: bool = False) -> bool | None:
    """Whether arrays and metadata are as saved; None where they have no digests.

    Of large arrays, unless `verify`, random blocks and the first and last are read: other contents under the same
    metadata always fail; a single changed byte is sure to be found only by reading all.
    """
    if _BLOCKS not in metadata:
        return None
    told = metadata.get(_HEADER)  # missing in older files
    if told is not None and told != _header_digest(arrays, metadata):
        return False
    try:
        digests = json.loads(metadata[_BLOCKS])
        fits = all(len(digests[name]) == _DIGITS * len(_blocks(array)) for name, array in arrays.items())
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
    read = blocks = [(name, block) for name, array in arrays.items() for block in _blocks(array)]
    if is_large(arrays) and not verify:
        ends = [(name, end) for name, array in arrays.items() for end in (0, len(_blocks(array)) - 1) if len(array)]
        read = [*{*ends, *random.sample(blocks, min(_SAMPLED_BLOCKS, len(blocks)))}]
    return fits and all(
        _digest(arrays[name], block) == digests[name][_DIGITS * block : _DIGITS * (block + 1)] for name, block in read
    )


def is_large(arrays: dict[str, np.ndarray]) -> bool:
    """Whether opening them is not to read all."""
    return sum(array.nbytes for array in arrays.values()) > _LARGE_BYTES


def _header_digest(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> str:
    told = sorted((name, array.dtype.str, array.shape) for name, array in arrays.items())
    others = sorted((key, value) for key, value in metadata.items() if key != _HEADER)
    return hashlib.sha256(json.dumps([told, others]).encode()).hexdigest()[:_DIGITS]


def _blocks(array: np.ndarray) -> range:
    return range(-(-array.nbytes // _BLOCK_BYTES))


def _digest(array: np.ndarray, block: int) -> str:
    content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return hashlib.sha256(content[block * _BLOCK_BYTES : (block + 1) * _BLOCK_BYTES].data).hexdigest()[:_DIGITS]
