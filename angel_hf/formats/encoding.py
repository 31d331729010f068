"""Bytes of text as UTF-8: a byte-order mark is removed, UTF-16 is recognised by its mark."""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO

from angel_hf.formats.compression import DamagedError

_BYTES_AT_ONCE = 1 << 17
_UTF32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def as_utf8(stream: io.BufferedReader, name: str) -> io.BufferedReader:
    """The same text in UTF-8 without a byte-order mark; bytes without a mark pass unchecked.

    Raises:
        DamagedError: the mark of UTF-32; from the stream: bytes that are not UTF-16 after its mark, with their place.
    """
    mark = stream.peek(4)[:4]
    if mark in _UTF32_MARKS:
        raise DamagedError(f"{name}: is UTF-32, by its byte-order mark; expected UTF-8 or UTF-16: convert it first")
    if mark.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
        return stream
    encoding = _UTF16.get(mark[:2])
    if encoding is None:
        return stream
    stream.read(2)
    return io.BufferedReader(_Transcoded(stream, encoding, name), _BYTES_AT_ONCE)


class _Transcoded(io.RawIOBase):
    """Text of another encoding as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str, name: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        self._name = name
        self._consumed = 2  # the mark
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._stream.read(_BYTES_AT_ONCE)
            self._ready = self._decode(data).encode("utf-8")
            self._consumed += len(data)
            if not data:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decode(self, data: bytes) -> str:
        pending = len(self._decoder.getstate()[0])
        try:
            return self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            place = self._consumed - pending + error.start
            raise DamagedError(
                f"{self._name}: not {self._encoding.upper()} at byte {place} ({error.reason}), although its "
                "byte-order mark says so; expected UTF-8 or whole UTF-16"
            ) from None

    def close(self) -> None:
        self._stream.close()
        super().close()
