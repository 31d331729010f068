"""Numbered lines of a file or of standard input, and the format of the records in them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from angel_hf.formats.compression import open_bytes


class InputFormat(str, Enum):
    """Formats of records of given mentions."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    TEXT = "text"


_SUFFIXES = {".jsonl": InputFormat.JSONL, ".ndjson": InputFormat.JSONL, ".pubtator": InputFormat.PUBTATOR}
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, counted from 1; bytes that are not UTF-8 are escaped, and `fault` names them."""

    number: int
    text: str
    fault: str | None = None


class Source:
    """Numbered lines, read one by one.

    Args:
        path: a file, `.gz` included; None is standard input.

    Raises:
        OSError: the file cannot be opened.
        DamagedError: later, while lines are read: the file is not a whole gzip file.

    Attributes:
        name: the file, or `standard input`.
        position: number of bytes read so far, decompressed.
        size: number of bytes in all, where that is known.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.name = "standard input" if path is None else str(path)
        self.position = 0
        self.size = path.stat().st_size if path is not None and path.is_file() and path.suffix != ".gz" else None
        self._stream: BinaryIO = sys.stdin.buffer if path is None else open_bytes(path)
        self._ahead: list[Line] = []
        self._rest = self._read()

    def __iter__(self) -> Iterator[Line]:
        return chain(self._ahead, self._rest)

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.path is not None:
            self._stream.close()

    def recognise(self) -> InputFormat:
        """The format, by the ending of the name or else by the first line.

        Raises:
            ValueError: neither decides; the message shows the line and names the option to use.
        """
        name = self.path.name.removesuffix(".gz") if self.path else ""
        if Path(name).suffix in _SUFFIXES:
            return _SUFFIXES[Path(name).suffix]
        for line in self._rest:
            self._ahead.append(line)
            if line.text.strip():
                break
        first = self._ahead[-1].text if self._ahead else ""
        if not first.strip() or first.lstrip().startswith("{"):
            return InputFormat.JSONL
        if re.match(r"[^|\t]+\|t\|", first):
            return InputFormat.PUBTATOR
        if "[[" in first:
            return InputFormat.TEXT
        self.close()
        raise ValueError(
            f"{self.name}: cannot tell the format from its first line {first[:80]!r}; expected a JSON object with text "
            "and spans, PubTator's `id|t|title`, or a sentence with [[mention]] marks; or name it with --input-format"
        )

    def _read(self) -> Iterator[Line]:
        try:
            for number, data in enumerate(self._stream, start=1):
                self.position += len(data)
                yield _decode(number, data)
        finally:
            self.close()


def _decode(number: int, data: bytes) -> Line:
    try:
        text, fault = data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", errors="backslashreplace")
        fault = f"not UTF-8: byte 0x{data[error.start]:02x} at place {error.start + 1} of the line; expected UTF-8 text"
    if number == 1:
        text = text.removeprefix(_BYTE_ORDER_MARK)
    return Line(number, text.rstrip("\r\n"), fault)
