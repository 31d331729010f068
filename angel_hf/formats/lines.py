"""Lines of a UTF-8 text file, compressed or not, for all line-based readers."""

from __future__ import annotations

import os
from collections.abc import Iterator

from angel_hf.formats.compression import open_bytes


def open_lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their line ends; a name ending in `.gz` is decompressed.

    Only `\\n` and `\\r\\n` end a line: a form feed or a Unicode line separator inside a name does not.

    Raises:
        ValueError: the bytes are not UTF-8, or not a whole gzip file; the error names the file and the line.
    """
    name = os.fspath(path)
    with open_bytes(name) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield line.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise ValueError(f"{name}:{number}: not UTF-8 ({error}); expected a UTF-8 text file") from None
