"""Files and folders of texts to annotate, and the format of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

from angel_hf.formats.bioc import read_bioc
from angel_hf.formats.compression import open_bytes
from angel_hf.formats.document import Document
from angel_hf.formats.jsonl import is_utf8, read_jsonl_texts
from angel_hf.formats.plain_text import read_plain_text
from angel_hf.formats.pubtator_records import read_pubtator_texts


class TextFormat(str, Enum):
    """Formats of texts."""

    TEXT = "text"
    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    BIOC = "bioc"


_SUFFIXES = {
    ".txt": TextFormat.TEXT,
    ".text": TextFormat.TEXT,
    ".md": TextFormat.TEXT,
    ".jsonl": TextFormat.JSONL,
    ".ndjson": TextFormat.JSONL,
    ".pubtator": TextFormat.PUBTATOR,
    ".xml": TextFormat.BIOC,
    ".json": TextFormat.BIOC,
    ".bioc": TextFormat.BIOC,
}


def text_files(path: Path) -> list[Path]:
    """The file itself, or those of a folder and its folders that have a known ending, in order.

    Raises:
        ValueError: there is no such file, or the folder holds none of a known ending.
    """
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.is_file() and _suffix(file) in _SUFFIXES)
    if not found:
        raise ValueError(f"{path}: holds no file that ends in {', '.join(_SUFFIXES)}, or in one of these and .gz")
    return found


def read_texts(path: Path, form: TextFormat | None = None) -> Iterator[Document]:
    """Stream the documents of a file; without a format, by its ending, or for a `.txt` by its first line.

    Raises:
        OSError: the file cannot be read.
        ValueError: all or a part of it is not in its format.
    """
    for document in _READERS[form or _recognise(path)](path):
        if not is_utf8(document.document_id + document.text):
            raise ValueError(
                f"{path}: document {document.document_id!r:.60} has half a surrogate pair in its text or its id; "
                "expected whole characters"
            )
        yield document


def _recognise(path: Path) -> TextFormat:
    form = _SUFFIXES.get(_suffix(path), TextFormat.TEXT)
    if form is TextFormat.TEXT:
        # PubTator corpora come as .txt too.
        with open_bytes(path) as stream:
            if b"|t|" in stream.read(4096).lstrip().partition(b"\n")[0]:
                return TextFormat.PUBTATOR
    return form


def _suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


_READERS: dict[TextFormat, Callable[[Path], Iterator[Document]]] = {
    TextFormat.TEXT: read_plain_text,
    TextFormat.JSONL: read_jsonl_texts,
    TextFormat.PUBTATOR: read_pubtator_texts,
    TextFormat.BIOC: read_bioc,
}
