"""A file of plain text: one document."""

from __future__ import annotations

from collections.abc import Iterator

from angel_hf.formats.document import Document
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source


def read_plain_text(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """The whole text; its id is the file's name without the ending, or "stdin".

    Raises:
        ValueError: not UTF-8, with the place.
    """
    yield Document.of_text(source.stem, source.text())
