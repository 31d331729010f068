"""What `angel annotate` reads: texts from the command line, standard input, files and folders."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

from angel_hf.cli.failure import InputError, describe_os_error
from angel_hf.cli.jsonl import is_utf8
from angel_hf.formats.bioc import read_bioc
from angel_hf.formats.compression import open_bytes
from angel_hf.formats.document import Section, TextDocument
from angel_hf.formats.lines import open_lines
from angel_hf.formats.pubtator import read_pubtator


class TextFormat(str, Enum):
    """Formats that `angel annotate` reads."""

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
        InputError: there is no such file, or nothing in the folder that could be read.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.is_file() and _suffix(file) in _SUFFIXES)
    if not found:
        raise InputError(f"{path}: holds no file that ends in {', '.join(_SUFFIXES)}, or in one of these and .gz")
    return found


def read_texts(path: Path, form: TextFormat | None = None) -> Iterator[TextDocument]:
    """Stream the documents of a file; without a format, by its ending, or for a `.txt` by its first line.

    Raises:
        InputError: the file cannot be read, or is not what its format asks for, in part or whole.
    """
    try:
        for document in _READERS[form or _recognise(path)](path):
            if not is_utf8(document.document_id + document.text):
                raise ValueError(
                    f"{path}: document {document.document_id!r:.60} has half a surrogate pair in its text or its id; "
                    "expected whole characters"
                )
            yield document
    except OSError as error:
        raise InputError(describe_os_error(error)) from None
    except ValueError as error:
        raise InputError(str(error)) from None


def standard_input() -> TextDocument:
    """All of standard input as one text.

    Raises:
        InputError: it is a terminal, or not UTF-8.
    """
    if sys.stdin.isatty():
        raise InputError("nothing to annotate; expected a text, --input FILE or FOLDER, or standard input")
    raw = sys.stdin.buffer.read()
    try:
        return TextDocument.of_text("stdin", raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: not UTF-8 ({error}); expected UTF-8 text") from None


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


def _read_plain(path: Path) -> Iterator[TextDocument]:
    with open_bytes(path) as stream:
        raw = stream.read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 ({error}); expected UTF-8 text") from None
    yield TextDocument.of_text((path.with_suffix("") if path.suffix == ".gz" else path).stem, text)


def _read_jsonl(path: Path) -> Iterator[TextDocument]:
    for number, line in enumerate(open_lines(path), start=1):
        if line.strip():
            try:
                row = json.loads(line)
                text = row["text"]
            except (json.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
                raise ValueError(f'{path}:{number}: {error!r}; expected {{"text": "...", "id": ...}}') from None
            if not isinstance(text, str):
                raise ValueError(f"{path}:{number}: text is {text!r:.60}; expected a string")
            yield TextDocument.of_text(str(row.get("id", number)), text)


def _read_pubtator(path: Path) -> Iterator[TextDocument]:
    for document in read_pubtator(path):
        title = len(document.title)
        sections = (Section(0, title, "title"), Section(title + 1, len(document.text), "abstract"))
        yield TextDocument(document.document_id, document.text, sections)


_READERS: dict[TextFormat, Callable[[Path], Iterator[TextDocument]]] = {
    TextFormat.TEXT: _read_plain,
    TextFormat.JSONL: _read_jsonl,
    TextFormat.PUBTATOR: _read_pubtator,
    TextFormat.BIOC: read_bioc,
}
