"""One file or standard input as text, whatever it is compressed or encoded with."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from angel_hf.formats.compression import decompressed
from angel_hf.formats.encoding import as_utf8
from angel_hf.formats.lines import Line, numbered_lines

_HEAD_BYTES = 1 << 16
STANDARD_INPUT = "standard input"


class Source:
    """Text to be read once, from its start: as `lines`, as a `stream` of UTF-8 bytes, or whole as `text`.

    Gzipped bytes are recognised and decompressed, a byte-order mark is removed, UTF-16 is recognised by its mark.

    Args:
        path: a file; None is standard input.
        stream: read instead of the file, which then only gives the name.
        is_of_one_encoding: a line that is not UTF-8 ends the reading: where every line is part of one whole, as of a
            vocabulary, a wrong encoding would cost all names with accents and leave the others.

    Raises:
        OSError: the file cannot be opened.
        DamagedError: not what its first bytes or its name say; later too, while it is read.

    Attributes:
        path: the file, or None.
        name: the file, or "standard input"; for errors.
        position: number of bytes read so far, decompressed.
        size: number of bytes in all, where that is known.
    """

    def __init__(self, path: Path | None, stream: BinaryIO | None = None, is_of_one_encoding: bool = False) -> None:
        self.path = path
        self._is_of_one_encoding = is_of_one_encoding
        self.name = STANDARD_INPUT if path is None else str(path)
        opened: BinaryIO
        if stream is not None:
            opened = stream
        else:
            opened = sys.stdin.buffer if path is None else path.open("rb")
        self._opened = opened
        plain = decompressed(opened, self.name, path is not None and path.suffix.lower() == ".gz")
        is_plain_file = stream is None and path is not None and path.is_file() and plain is opened
        self.size = path.stat().st_size if is_plain_file and path is not None else None
        self._counted = _Counted(as_utf8(plain, self.name))
        self._stream = io.BufferedReader(self._counted, _HEAD_BYTES)

    @property
    def position(self) -> int:
        """Number of bytes read so far, decompressed."""
        return self._counted.count

    @property
    def ending(self) -> str:
        """The ending of the name in small letters, without `.gz`: `.pubtator`; empty for standard input."""
        if self.path is None:
            return ""
        name = self.path.name.lower().removesuffix(".gz")
        return Path(name).suffix

    @property
    def stem(self) -> str:
        """The name of the file without folder and endings; "stdin" for standard input."""
        if self.path is None:
            return "stdin"
        name = self.path.name
        return Path(name[:-3] if name.lower().endswith(".gz") else name).stem

    def head(self) -> str:
        """The first characters, at most 65,536 bytes of them, which stay to be read; call it before anything is read.

        Of standard input no more than the first lines, so that a pipe is answered as it writes. Bytes that are no UTF-8
        are replaced.
        """
        return self._counted.ahead(_HEAD_BYTES, first_line=self.path is None).decode("utf-8", errors="replace")

    def lines(self) -> Iterator[Line]:
        """The numbered lines.

        Raises:
            ValueError: of one encoding, and a line is not UTF-8.
        """
        for line in numbered_lines(self._stream):
            if line.fault is not None and self._is_of_one_encoding:
                raise ValueError(f"line {line.number}: {line.fault}")
            yield line

    def stream(self) -> BinaryIO:
        """The bytes, UTF-8 without a byte-order mark; for parsers that read bytes."""
        return self._stream

    def text(self) -> str:
        """All of the text.

        Raises:
            ValueError: not UTF-8; the error gives the place.
        """
        data = self._stream.read()
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise ValueError(
                f"not UTF-8: byte 0x{data[error.start]:02x} at place {error.start + 1}, in line {line}; expected UTF-8 "
                "text, or UTF-16 with its byte-order mark"
            ) from None

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.path is not None:
            self._opened.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Counted(io.RawIOBase):
    """Bytes of a stream, counted as they are read; the first of them can be seen before."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._source = stream
        self._ahead = b""
        self.count = 0

    def ahead(self, most: int, first_line: bool) -> bytes:
        """The first bytes: `most`, all there are, or at least one whole line that is not blank."""
        while len(self._ahead) < most and not (first_line and b"\n" in self._ahead.lstrip()):
            data = self._source.read1(most - len(self._ahead))
            if not data:
                break
            self._ahead += data
        return self._ahead

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._ahead[: len(buffer)] or self._source.read1(len(buffer))
        self._ahead = self._ahead[len(data) :]
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)

    def close(self) -> None:
        """The source is closed by its owner."""
