"""Files that may be gzipped, recognised by their first bytes."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

_BYTES_AT_ONCE = 1 << 17
_GZIP_MAGIC = b"\x1f\x8b"
# Texts shrink to a tenth, ontologies to a twentieth; only made-up bytes shrink to a thousandth.
_MOST_EXPANSION = 400
_HARMLESS_BYTES = 64 << 20


class DamagedError(ValueError):
    """Bytes that are not what they say they are: half a gzip file, or an encoding that breaks."""


def open_bytes(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file for reading bytes; gzipped ones are decompressed, whatever their name.

    Raises:
        DamagedError: from the stream: the file ends in `.gz` and is not gzipped, it is cut short or damaged, or it
            expands to more than 400 times its size; the error names it.
        OSError: the file cannot be opened.
    """
    path = Path(path)
    return decompressed(path.open("rb"), str(path), path.suffix.lower() == ".gz")


def decompressed(stream: BinaryIO, name: str, is_named_gzip: bool = False) -> io.BufferedReader:
    """The contents of a stream that may be gzipped; see `open_bytes`."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Raw(stream), _BYTES_AT_ONCE)
    if not is_named_gzip and buffered.peek(2)[:2] != _GZIP_MAGIC:
        return buffered
    return io.BufferedReader(_Decompressed(buffered, name, is_named_gzip), _BYTES_AT_ONCE)


class _Raw(io.RawIOBase):
    """A stream of bytes, as those of tests and of web frameworks, that can be buffered."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Decompressed(io.RawIOBase):
    """The contents of a gzip file, whose three kinds of error become one that names it."""

    def __init__(self, compressed: BinaryIO, name: str, is_named_gzip: bool) -> None:
        self._counted = _Counted(compressed)
        self._stream = gzip.GzipFile(fileobj=self._counted, mode="rb")
        self._name = name
        self._why = "as its name ends in .gz" if is_named_gzip else "as it starts like one"
        self._expanded = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._stream.readinto(buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DamagedError(f"{self._name}: not a whole gzip file ({error}); expected one, {self._why}") from None
        self._expanded += count
        if self._expanded > max(_HARMLESS_BYTES, _MOST_EXPANSION * self._counted.count):
            raise DamagedError(
                f"{self._name}: a gzip file of {self._counted.count:,} bytes that expands to more than "
                f"{self._expanded:,}; expected at most {_MOST_EXPANSION} times its size: decompress it yourself"
            )
        return count

    def close(self) -> None:
        self._stream.close()
        self._counted.close()
        super().close()


class _Counted(io.RawIOBase):
    """A stream that counts the bytes read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data

    def close(self) -> None:
        self._stream.close()
        super().close()
