"""Files of concepts as commands read them: bad records counted, shown and put aside; outputs checked before the work."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from angel_hf.cli.failure import ALL_DONE, SOME_REJECTED, InputError
from angel_hf.cli.sink import RejectedFile
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from angel_hf import KnowledgeBase

# Names that files have and folders have not: a slip of the pen rather than a wish.
_FILE_ENDINGS = (".json", ".jsonl", ".txt", ".obo", ".owl", ".xml", ".csv", ".tsv", ".parquet", ".gz")

Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Refuse a file of concepts with a record that cannot be read. Default: it is left out and told.",
    ),
]


class TermRejections:
    """What could not be read of files of concepts: the first causes on standard error, all in a file beside an output.

    Args:
        is_strict: refuse the first.
        output: beside which the file of rejected records is written; None: none is.

    Raises:
        InputError: when called and strict.
    """

    def __init__(self, is_strict: bool = False, output: Path | None = None) -> None:
        self._is_strict = is_strict
        self._opened = ExitStack()
        self._file = None if output is None else RejectedFile(output.with_name(f"{output.name}.rejected.jsonl"))
        self._count = 0

    def __enter__(self) -> TermRejections:
        if self._file is not None:
            self._opened.enter_context(self._file)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._opened.__exit__(*exception)

    def __call__(self, rejected: Rejected) -> None:
        """Take one in."""
        if self._is_strict:
            raise InputError(f"{rejected}; without --strict it would be left out")
        self._count += 1
        message = self._file.add(rejected) if self._file is not None else _shown(rejected, self._count)
        if message is not None:
            typer.echo(f"left out: {message}", err=True)

    def exit_code(self) -> int:
        """0, or 1 with the count on standard error where anything was left out."""
        if not self._count:
            return ALL_DONE
        where = f", written to {self._file.path}" if self._file is not None else ""
        typer.echo(f"left out {self._count:,} record{'' if self._count == 1 else 's'}{where}", err=True)
        return SOME_REJECTED


def _shown(rejected: Rejected, count: int) -> str | None:
    if count <= RejectedFile.MOST_SHOWN:
        return str(rejected)
    return "further causes are not shown" if count == RejectedFile.MOST_SHOWN + 1 else None


def open_knowledge_base(
    source: Path, rejections: TermRejections, normalization: str | None = None, selection: Selection = EVERYTHING
) -> KnowledgeBase:
    """A knowledge base in any form that `KnowledgeBase.from_file` reads."""
    # Here, so that help loads no library.
    from angel_hf import KnowledgeBase

    return KnowledgeBase.from_file(source, normalization, selection, rejections)


def check_knowledge_base_output(output: Path) -> None:
    """Refuse a place where no knowledge base can be saved, before the work and not after it.

    Raises:
        InputError: its folder is not there, or it is or looks like a file of another kind.
    """
    if not output.resolve().parent.is_dir():
        raise InputError(f"{output}: the folder {output.parent} does not exist; make it first")
    if output.suffix == ".safetensors":
        if output.is_dir():
            raise InputError(f"{output}: is a folder; expected a file of that ending, or another name for a folder")
        return
    if output.is_file() or output.suffix.lower() in _FILE_ENDINGS:
        what = "is a file" if output.is_file() else f"ends in {output.suffix} as a file does"
        raise InputError(f"{output}: {what}; expected a folder, or a name that ends in .safetensors")
