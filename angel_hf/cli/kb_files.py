"""The files that `angel kb` compares and maps: terms in, rows out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import typer

from angel_hf.cli.failure import InputError
from angel_hf.formats.jsonl import to_json
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.term import Retired, Term

_DELIMITERS = {".tsv": "\t", ".csv": ","}
_BETWEEN_VALUES = "|"


def terms_of(path: Path, rejections: Rejections | None = None) -> list[Term | Retired]:
    """Everything that a file or release of concepts holds, or a knowledge base that `angel kb build` wrote.

    Args:
        path: the file or folder.
        rejections: takes what can't be read and is left out; without it that is told on standard error.

    Raises:
        ValueError: no known format, or a file that is damaged.
    """
    # Here, so that help loads no library.
    from angel_hf.formats.ontologies import open_terms
    from angel_hf.formats.vocabularies.vocabulary_format import folder_format_of

    is_stored = path.is_dir() and folder_format_of(path) is None
    if is_stored or path.suffix in (".safetensors", ".parquet"):
        from angel_hf import KnowledgeBase

        knowledge_base = KnowledgeBase.from_file(path, rejections=rejections)
        return [*map(Term, knowledge_base.concepts()), *knowledge_base.retired()]
    taken = Rejections() if rejections is None else rejections
    terms = list(open_terms(path, rejections=taken)[0])
    if rejections is None and taken.count:
        typer.echo(taken.told(), err=True)
    return terms


def check_ending(output: Path, expected: Sequence[str]) -> None:
    """Refuse the name of a file whose ending is none of those expected.

    Raises:
        InputError: it is not.
    """
    if not output.name.lower().endswith(tuple(expected)):
        raise InputError(f"{output}: expected a name that ends in {', '.join(expected[:-1])} or {expected[-1]}")


def write_rows(stream: TextIO, ending: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as `.jsonl`, `.tsv` or `.csv`; in tables several values of a cell have bars between them."""
    if ending == ".jsonl":
        stream.writelines(to_json({column: row[column] for column in columns}) + "\n" for row in rows)
        return
    writer = csv.writer(stream, delimiter=_DELIMITERS[ending], lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)


def _cell(value: Any) -> str:
    return _BETWEEN_VALUES.join(value) if isinstance(value, tuple) else str(value)
