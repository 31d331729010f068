"""The documents of a file, of a folder's files, or of standard input, as commands read them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from angel_hf.cli.failure import InputError, describe_os_error
from angel_hf.cli.parquet_input import refuse_parquet
from angel_hf.formats.document import Document
from angel_hf.formats.documents import DocumentFormat, document_files, read_documents, recognise
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import STANDARD_INPUT, Source

_FROM_STDIN = "-"


@dataclass
class DocumentInputs:
    """Where documents come from.

    Args:
        paths: files, in the order in which they are read; None is standard input.
        given: the file or folder as the user named it; None is standard input.
        form: of all files; None: each is recognised.
        reading: what is needed of the documents.

    Attributes:
        position: bytes read so far, of all files.
    """

    paths: list[Path | None]
    given: Path | None
    form: DocumentFormat | None
    reading: Reading
    position: int = field(default=0, init=False)
    forms: set[DocumentFormat] = field(default_factory=set, init=False)

    @classmethod
    def open(cls, given: str | None, form: DocumentFormat | None, reading: Reading, nothing: str) -> DocumentInputs:
        """The inputs that `--input` names; nothing or `-` is standard input.

        Args:
            given: as the user wrote it.
            form: `--input-format`.
            reading: what is needed of the documents.
            nothing: what to say where neither is there.

        Raises:
            InputError: there is no such file, a folder without files to read, or a terminal for standard input.
        """
        if given is None or given == _FROM_STDIN:
            if sys.stdin.isatty():
                raise InputError(nothing)
            return cls([None], None, form, reading)
        refuse_parquet(given)
        try:
            return cls([*document_files(Path(given))], Path(given), form, reading)
        except ValueError as error:
            raise InputError(str(error)) from None

    @property
    def name(self) -> str:
        """As messages call it."""
        return STANDARD_INPUT if self.given is None else str(self.given)

    @property
    def size(self) -> int | None:
        """Bytes of all files, where that is known: not of standard input, nor of what is compressed."""
        if any(path is None or not path.is_file() or path.suffix.lower() == ".gz" for path in self.paths):
            return None
        return sum(path.stat().st_size for path in self.paths if path is not None)

    def read(self) -> Iterator[Document | Rejected]:
        """The documents of all files, and what could not be read."""
        done = 0
        for path in self.paths:
            try:
                source = Source(path)
            except (OSError, ValueError) as error:
                yield Rejected(0, _cause(path, error), source=str(path), is_rest=True)
                continue
            with source:
                for item in self._read(source):
                    self.position = done + source.position
                    yield item
                done += source.position

    def _read(self, source: Source) -> Iterator[Document | Rejected]:
        form = self.form
        if form is None:
            try:
                form = recognise(source, self.reading.mentions)
            except ValueError as error:
                yield Rejected(0, str(error).removeprefix(f"{source.name}: "), source=source.name, is_rest=True)
                return
        self.forms.add(form)
        yield from read_documents(source, form, self.reading)

    def check_output(self, output: Path) -> None:
        """Refuse an output that would replace what is read.

        Raises:
            InputError: it is one of the files, or the folder that is read.
        """
        for path in [*self.paths, self.given]:
            if path is not None and os.path.exists(output) and os.path.exists(path) and os.path.samefile(path, output):
                raise InputError(f"{output} is the input, which would be replaced; name another output")


def _cause(path: Path | None, error: Exception) -> str:
    cause = describe_os_error(error) if isinstance(error, OSError) else str(error)
    return cause.removeprefix(f"{path}: ")


def refuse_file_as_text(text: str) -> None:
    """Refuse the name of a file where a text is expected.

    Raises:
        InputError: there is such a file or folder.
    """
    if "\n" not in text and os.path.exists(text):
        raise InputError(f"{text!r} is a file here and no text; to read it, put --input before it")
