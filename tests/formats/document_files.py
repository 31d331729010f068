"""What the reader of a file of documents makes of a text."""

from pathlib import Path

from angel_hf.formats.documents import read_documents
from angel_hf.formats.reading import Reading
from angel_hf.formats.source import Source


def documents(path: Path, content: str | None = None, reading: Reading = Reading()):  # noqa: B008  # a frozen value
    """Everything that the reader yields; the content is written into the file first, where it is given."""
    if content is not None:
        path.write_text(content, encoding="utf-8", newline="")
    with Source(path) as source:
        return list(read_documents(source, None, reading))
