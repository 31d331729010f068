"""Whether large arrays are those that were saved, told from some of their blocks."""

from __future__ import annotations

import hashlib
import json
import random

import numpy as np

_KEY = "block_digests"
_BLOCK_BYTES = 1 << 20
_DIGITS = 16
_SAMPLED_BLOCKS = 64
# What is smaller is read whole in less than a tenth of a second.
_LARGE_BYTES = 64 << 20


def digest_metadata(arrays: dict[str, np.ndarray]) -> dict[str, str]:
    """What a file of large arrays tells of its blocks, for the file's metadata; nothing for small arrays.

    Of every block of 1 MiB the first 16 hexadecimal digits of its SHA-256, one after the other.
    """
    if not _are_large(arrays):
        return {}
    digests = {name: "".join(_digest(array, block) for block in _blocks(array)) for name, array in arrays.items()}
    return {_KEY: json.dumps(digests)}


def sample_is_intact(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> bool | None:
    """Whether blocks drawn at random, and the first and last of each array, are as they were saved.

    Other contents under the same metadata fail for certain, and damage with the probability that its share of the
    file gives; a single changed byte is sure to be found only where all is read.

    Returns:
        None where the arrays are small or the metadata tells nothing of blocks, so that they are to be read whole.
    """
    if not _are_large(arrays) or _KEY not in metadata:
        return None
    try:
        digests = json.loads(metadata[_KEY])
        fits = all(len(digests[name]) == _DIGITS * len(_blocks(array)) for name, array in arrays.items())
    except (ValueError, TypeError, KeyError):
        return False
    ends = {(name, block) for name, array in arrays.items() for block in (0, len(_blocks(array)) - 1) if len(array)}
    inner = [(name, block) for name, array in arrays.items() for block in _blocks(array)]
    drawn = random.sample(inner, min(_SAMPLED_BLOCKS, len(inner)))
    return fits and all(
        _digest(arrays[name], block) == digests[name][_DIGITS * block : _DIGITS * (block + 1)]
        for name, block in ends.union(drawn)
    )


def _are_large(arrays: dict[str, np.ndarray]) -> bool:
    return sum(array.nbytes for array in arrays.values()) > _LARGE_BYTES


def _blocks(array: np.ndarray) -> range:
    return range(-(-array.nbytes // _BLOCK_BYTES))


def _digest(array: np.ndarray, block: int) -> str:
    content = np.ascontiguousarray(array).view(np.uint8)[block * _BLOCK_BYTES : (block + 1) * _BLOCK_BYTES]
    return hashlib.sha256(content.data).hexdigest()[:_DIGITS]
