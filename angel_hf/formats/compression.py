"""Files that may be gzipped."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

_BYTES_AT_ONCE = 1 << 17


class DamagedError(ValueError):
    """A file named `.gz` that is not a whole gzip file."""


def open_bytes(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading bytes; one whose name ends in `.gz` is decompressed.

    Raises:
        DamagedError: from the stream: the file is not gzipped, cut short, or damaged; the error names it.
    """
    path = Path(path)
    if path.suffix != ".gz":
        return path.open("rb")
    return io.BufferedReader(_Decompressed(gzip.open(path, "rb")), _BYTES_AT_ONCE)


class _Decompressed(io.RawIOBase):
    """The contents of a gzip file, whose three kinds of error become one that names it."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return self._stream.readinto(buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DamagedError(
                f"{self._stream.name}: not a whole gzip file ({error}); expected one, as its name ends in .gz"
            ) from None

    def close(self) -> None:
        self._stream.close()
        super().close()
