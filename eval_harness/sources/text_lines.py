"""Lines of text files whose encoding is checked line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats.compression import open_bytes
from eval_harness.bad_records import BadRecords


def find_file(directory: Path, name: str) -> Path | None:
    """`directory/name`, or the same with `.gz` after it; None if neither is there."""
    for candidate in (directory / name, directory / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    return None


def numbered_lines(path: Path, bad: BadRecords, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers from 1; a line in another encoding is a bad record."""
    for number, line in _lines(path):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            bad.report(path, number, f"not {encoding} ({error}); expected text in that encoding")
            continue
        if text.strip():
            yield number, text.rstrip("\r\n")


def surrogate_lines(path: Path) -> Iterator[str]:
    """All lines of a UTF-8 file; bytes that are not UTF-8 become lone surrogates, for a later check of the record."""
    for _, line in _lines(path):
        yield line.decode("utf-8", errors="surrogateescape").rstrip("\r\n")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with open_bytes(path) as stream:
        yield from enumerate(stream, start=1)
