"""Files of concepts as commands read them: bad records counted and put aside, outputs checked before the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from angel_hf.cli.failure import SOME_REJECTED, InputError
from angel_hf.cli.sink import RejectedFile
from angel_hf.formats.rejections import Rejections

# Names that files have and folders have not: a slip of the pen rather than a wish.
_FILE_ENDINGS = (".json", ".jsonl", ".txt", ".obo", ".owl", ".xml", ".csv", ".tsv", ".parquet", ".gz")

Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Refuse a file of concepts with a record that cannot be read. Default: it is left out and told.",
    ),
]


@contextmanager
def rejections_beside(output: Path, strict: bool = False) -> Iterator[Rejections]:
    """What cannot be read of files of concepts, written into a file beside an output, OUTPUT.rejected.jsonl.

    At its end the first causes and the count are told on standard error, and the command ends with exit code 1, where
    anything was left out.
    """
    file = RejectedFile(output.with_name(f"{output.name}.rejected.jsonl"))
    with file:
        rejections = Rejections(strict, file.add)
        yield rejections
    tell(rejections, f"written to {file.path}")


def tell(rejections: Rejections, where: str = "") -> None:
    """Say on standard error what was left out, and end the command with exit code 1 where anything was."""
    if told := rejections.told():
        typer.echo(told + (f"; {where}" if where and rejections.count else ""), err=True)
    if rejections.count:
        raise typer.Exit(SOME_REJECTED)


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
