"""A file of plain text: one document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats.compression import open_bytes
from angel_hf.formats.document import Document


def read_plain_text(path: Path) -> Iterator[Document]:
    """The text of a UTF-8 file, `.gz` included; its id is the file's name without the ending.

    Raises:
        ValueError: not UTF-8, or not a whole gzip file; the error names the file.
    """
    with open_bytes(path) as stream:
        raw = stream.read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 ({error}); expected UTF-8 text") from None
    yield Document.of_text((path.with_suffix("") if path.suffix == ".gz" else path).stem, text)
