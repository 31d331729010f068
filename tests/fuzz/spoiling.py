"""Files spoiled at random, with kept seeds, and the clock that ends an answer that does not come."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager

ROUNDS, MANY_ROUNDS = 200, 10_000
SECONDS = 5.0

_PIECES = (
    *(
        b"",
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\n",
        b"\r\n",
        b"\r",
        b"\t",
        b"|",
        b"||",
        b"|t|",
        b"|a|",
        b'"',
        b"'",
    ),
    *(b",", b";", b":", b"<", b">", b"</", b"/>", b"&x;", b"&#0;", b"<![CDATA[", b"<!--", b"]]>", b"<?x", b"{", b"}"),
    *(b"[" * 500, b"[" * 5_000, b"{" * 500, b"- " * 500, b"9" * 5_000, b"-1", b"1e400", b"NaN", b"Infinity", b"null"),
    *(b"true", b"[]", b"{}", b'""', b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\\ud800", b"\\", b"[[", b"]]", b"\x1f\x8b"),
)


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """A file with one to three of: a bit flipped, a piece put in or over, a part repeated or moved, its end cut off."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 0, 1, 3, 40)))
        kind = chance.random()
        if kind < 0.2 and start < len(data):
            data = data[:start] + bytes([data[start] ^ 1 << chance.randrange(8)]) + data[start + 1 :]
        elif kind < 0.75:
            data = data[:start] + chance.choice(_PIECES) + data[end:]
        elif kind < 0.9:
            data = data[:start] + data[start:end] * chance.randint(2, 30) + data[end:]
        elif kind < 0.97:
            there = chance.randrange(len(data) + 1)
            data = data[:there] + data[start : start + 200] + data[there:]
        else:
            data = data[:start]
    return data


def flipped(data: bytes, chance: random.Random) -> bytes:
    """A file with one bit turned."""
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


@contextmanager
def in_time(what: str) -> Iterator[None]:
    """Fail where the block takes more than five seconds of a processor, wherever it hangs."""

    def end(*_: object) -> None:
        raise AssertionError(f"{what}: no answer in {SECONDS:g} s")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
