"""A safetensors file of weights with digests of its bytes in its own header, where any reader of the format skips them.

They go when another program writes the file anew, so they never tell of other contents than those beside them.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any, BinaryIO

from angel_hf.arrays.array_file import written_whole

_METADATA, _BLOCKS, _HEADER = "__metadata__", "block_digests", "header_digest"
_DIGITS = 16
_BLOCK_BYTES = 1 << 20
_SAMPLED_BLOCKS = 64
_LARGE_BYTES = 64 << 20
_MOST_HEADER_BYTES = 100_000_000  # of the format


def seal(path: str | Path) -> None:
    """Write a safetensors file again with the digests of its bytes in its metadata; the tensors stay as they are."""
    path = Path(path)
    with path.open("rb") as source:
        header, start = _header(source)
        digests = [_digest(source.read(_BLOCK_BYTES)) for _ in range(-(-(path.stat().st_size - start) // _BLOCK_BYTES))]
        metadata = header.get(_METADATA) or {}
        metadata = {key: value for key, value in metadata.items() if key not in (_BLOCKS, _HEADER)}
        header[_METADATA] = metadata | {_BLOCKS: "".join(digests)}
        header[_METADATA] = dict(sorted((header[_METADATA] | {_HEADER: _header_digest(header)}).items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        text = text.ljust(-(-len(text) // 8) * 8)  # tensors begin at a multiple of eight
        source.seek(start)
        with written_whole(path) as temporary, open(temporary, "wb") as target:
            target.write(len(text).to_bytes(8, "little") + text)
            shutil.copyfileobj(source, target, _BLOCK_BYTES)


def refuse_damaged(path: str | Path, fix: str) -> None:
    """Compare a file with the digests that it holds, if any: all of it below 64 MiB, else a sample of blocks.

    Raises:
        ValueError: it is not as it was saved; the message names the file and ends in `fix`.
    """
    path = Path(path)
    with path.open("rb") as source:
        try:
            header, start = _header(source)
            metadata = header.get(_METADATA) or {}
            if _BLOCKS not in metadata:
                return
            is_intact = metadata.get(_HEADER) == _header_digest(header)
            count = -(-(os.fstat(source.fileno()).st_size - start) // _BLOCK_BYTES)
            is_intact = is_intact and len(metadata[_BLOCKS]) == count * _DIGITS
            blocks = range(count)
            is_large = count * _BLOCK_BYTES > _LARGE_BYTES
            chosen = sorted({0, count - 1, *random.sample(blocks, _SAMPLED_BLOCKS)}) if is_large else blocks
            is_intact = is_intact and all(
                _digest(_block(source, start, block)) == metadata[_BLOCKS][_DIGITS * block : _DIGITS * (block + 1)]
                for block in chosen
            )
        except (ValueError, TypeError, AttributeError, RecursionError):
            is_intact = False
    if not is_intact:
        raise ValueError(f"{path}: its contents are not those that were saved, the file is damaged; {fix}")


def _header(source: BinaryIO) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file, and where its tensors begin."""
    length = int.from_bytes(source.read(8), "little")
    if length > _MOST_HEADER_BYTES:
        raise ValueError(f"a header of {length:,} bytes")
    return json.loads(source.read(length)), 8 + length


def _header_digest(header: dict[str, Any]) -> str:
    metadata = {key: value for key, value in header[_METADATA].items() if key != _HEADER}
    return _digest(json.dumps(header | {_METADATA: metadata}, sort_keys=True).encode())


def _block(source: BinaryIO, start: int, block: int) -> bytes:
    source.seek(start + block * _BLOCK_BYTES)
    return source.read(_BLOCK_BYTES)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_DIGITS]
