"""Concepts in Parquet, for exchange with people and other tools: one row a concept."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from angel_hf.arrays.array_file import written_whole
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.term import Term
from angel_hf.types import Concept

_LISTS = ("names", "alternative_ids", "semantic_types", "parents", "cross_references", "retired_ids")
_EXPECTED = "expected one row a concept with concept_id (string) and names (list of strings)"
_ROWS_AT_ONCE = 10_000


def write_concepts(path: str | Path, concepts: Iterable[Concept], normalization: str) -> None:
    """Write a row a concept: concept_id, names (preferred first) and the other attributes, each a list of strings."""
    pyarrow, parquet = _pyarrow()
    strings = pyarrow.list_(pyarrow.string())
    schema = pyarrow.schema(
        [("concept_id", pyarrow.string()), *((column, strings) for column in _LISTS)],
        metadata={"normalization": normalization},
    )
    rows = iter(concepts)
    with written_whole(path) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        while block := list(islice(rows, _ROWS_AT_ONCE)):
            columns = {column: [getattr(concept, column) for concept in block] for column in schema.names}
            writer.write_table(pyarrow.table(columns, schema=schema))


def read_terms(path: str | Path) -> tuple[Iterator[Term | Rejected], str]:
    """Read what `write_concepts` writes; only concept_id and names are required columns.

    Returns:
        The concepts, read lazily, and the normalisation named in the file, or the published one. A list with an empty
        element costs that element.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not a Parquet file, or a column is missing or of another type; from the iterator: the file is
            damaged inside.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file; {_EXPECTED}, in Parquet")
    pyarrow, parquet = _pyarrow()
    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
        stored = (schema.metadata or {}).get(b"normalization", b"lowercase-punctuation").decode()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable Parquet file ({error})") from error
    _check_columns(path, schema, pyarrow.types)
    return _terms(path, file, [column for column in _LISTS if column in schema.names]), stored


def _terms(path: str | Path, file: Any, lists: list[str]) -> Iterator[Term | Rejected]:
    pyarrow, _ = _pyarrow()
    number = 0
    try:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=["concept_id", *lists]):
            for row in batch.to_pylist():
                number += 1
                if row["concept_id"] is None:
                    yield Rejected(0, f"row {number} has no concept_id; {_EXPECTED}")
                else:
                    yield Term(Concept(row["concept_id"], **{column: tuple(row[column] or ()) for column in lists}))
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable Parquet file ({error})") from error


def _check_columns(path: str | Path, schema: Any, types: Any) -> None:
    missing = [column for column in ("concept_id", "names") if column not in schema.names]
    if missing:
        raise ValueError(f"{path}: has no column {' or '.join(missing)}, only {', '.join(schema.names)}; {_EXPECTED}")

    def is_text(kind: Any) -> bool:
        kind = kind.value_type if types.is_dictionary(kind) else kind
        # A column or list without any value is of the null type.
        return any(test(kind) for test in (types.is_string, types.is_large_string, types.is_string_view, types.is_null))

    for column in ("concept_id", *_LISTS):
        if column not in schema.names:
            continue
        kind = schema.field(column).type
        is_list = any(test(kind) for test in (types.is_list, types.is_large_list, types.is_null))
        if not (is_text(kind) if column == "concept_id" else is_list and is_text(getattr(kind, "value_type", kind))):
            raise ValueError(f"{path}: column {column} is of type {kind}; {_EXPECTED}")


def _pyarrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError("reading and writing Parquet needs pyarrow: pip install pyarrow") from error
