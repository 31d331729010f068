"""Millions of strings in two arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

_BLOCK = 65_536


class PackedStrings(Sequence[str]):
    """Strings as UTF-8 bytes one after the other, with offsets; opens from a mapped file at once.

    Args:
        data: uint8 [total number of bytes].
        offsets: int64 [number of strings + 1]; string i is `data[offsets[i] : offsets[i + 1]]`.
    """

    def __init__(self, data: np.ndarray, offsets: np.ndarray) -> None:
        self.data = data
        self.offsets = offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, position):  # type: ignore[no-untyped-def]  # int -> str, slice -> list[str]
        if isinstance(position, slice):
            return [self[index] for index in range(*position.indices(len(self)))]
        index = int(position)
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"string {position} of {len(self)}")
        return self.data[self.offsets[index] : self.offsets[index + 1]].tobytes().decode("utf-8")

    def __iter__(self) -> Iterator[str]:
        # One copy of the bytes per block, not one per string.
        for first in range(0, len(self), _BLOCK):
            offsets = self.offsets[first : first + _BLOCK + 1]
            block = self.data[offsets[0] : offsets[-1]].tobytes()
            bounds = (offsets - offsets[0]).tolist()
            for start, end in zip(bounds, bounds[1:]):
                yield block[start:end].decode("utf-8")
