"""Numbered lines of UTF-8 text, for all line-based readers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from angel_hf.formats.compression import open_bytes
from angel_hf.formats.encoding import as_utf8

LONGEST_LINE = 64 << 20
"""Bytes of the longest line that is read; a longer one is a fault of its own, and the lines after it are read."""
_BYTES_SHOWN = 1 << 10


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, counted from 1; bytes that are not UTF-8 are escaped, and `fault` names them."""

    number: int
    text: str
    fault: str | None = None


def numbered_lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines of a stream of UTF-8 without byte-order mark.

    Only `\\n` and `\\r\\n` end a line: a form feed or a Unicode line separator inside a name does not.
    """
    number = 0
    while data := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(data) > LONGEST_LINE and not data.endswith(b"\n"):
            yield _too_long(number, data, stream)
        else:
            yield _decode(number, data)


def open_lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the lines of a UTF-8 or UTF-16 file without their line ends; a gzipped one is decompressed.

    Raises:
        ValueError: the bytes are not UTF-8, or not a whole gzip file; the error names the file and the line.
    """
    name = os.fspath(path)
    with open_bytes(name) as stream:
        for line in numbered_lines(as_utf8(stream, name)):
            if line.fault is not None:
                raise ValueError(f"{name}:{line.number}: {line.fault}")
            yield line.text


def _too_long(number: int, data: bytes, stream: BinaryIO) -> Line:
    length = len(data)
    while (more := stream.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
        length += len(more)
    length += len(more)
    shown = data[:_BYTES_SHOWN].decode("utf-8", errors="backslashreplace")
    return Line(number, shown, f"a line of {length:,} bytes; expected at most {LONGEST_LINE:,}")


def _decode(number: int, data: bytes) -> Line:
    try:
        return Line(number, data.decode("utf-8").rstrip("\r\n"))
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", errors="backslashreplace").rstrip("\r\n")
        place = f"byte 0x{data[error.start]:02x} at place {error.start + 1} of the line"
        return Line(number, text, f"not UTF-8: {place}; expected UTF-8 text, or UTF-16 with its byte-order mark")
