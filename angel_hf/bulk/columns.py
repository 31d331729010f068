"""What the columns of the input must be, checked before the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow
from pyarrow import types

from angel_hf.bulk.input_files import InputFile
from angel_hf.bulk.job import Options
from angel_hf.bulk.shard import OUTPUT_COLUMNS


def check_columns(files: Sequence[InputFile], options: Options) -> None:
    """Refuse files that lack a column, or have one of a type that cannot be read.

    Raises:
        ValueError: the message names the file, the column and the option that names another one.
    """
    # The id is document_id in the output, whatever the input calls it.
    taken = [name for name in options.columns.keep if name in OUTPUT_COLUMNS]
    if taken:
        raise ValueError(f"the input's column {taken[0]} has the name of a column of the output; rename it")
    for file in files:
        _require(file, options.columns.text, "text", _is_text, "a string, or UTF-8 in binary")
        _require(file, options.columns.id, "id", lambda kind: not types.is_null(kind), "any type but null")
        if not options.detect:
            _require(file, options.columns.spans, "spans", _is_spans, "a list of [start, end], or of structs of them")
        for name in options.columns.keep:
            _require(file, name, "keep", lambda kind: not types.is_null(kind), "any type but null")
        for name in (options.columns.id, *options.columns.keep):
            first, kind = files[0].schema.field(name).type, file.schema.field(name).type
            if first != kind:
                raise ValueError(f"column {name} is {first} in {files[0].name} and {kind} in {file.name}; expected one")


def _require(file: InputFile, name: str, role: str, fits: Callable[[pyarrow.DataType], bool], expected: str) -> None:
    if file.schema.names.count(name) != 1:
        hint = "; or find the mentions with --detect" if role == "spans" else ""
        option = "--keep" if role == "keep" else f"--{role}-column"
        raise ValueError(
            f"{file.name}: has no column {name}, only {', '.join(file.schema.names) or '(none)'}; name it with "
            f"{option}{hint}"
        )
    kind = file.schema.field(name).type
    if not fits(kind):
        raise ValueError(f"{file.name}: column {name} is {kind}; expected {expected}")


def _is_text(kind: pyarrow.DataType) -> bool:
    kind = kind.value_type if types.is_dictionary(kind) else kind
    tests = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    return any(test(kind) for test in tests)


def _is_spans(kind: pyarrow.DataType) -> bool:
    if not _is_list(kind):
        return False
    span = kind.value_type
    if types.is_struct(span):
        return all(
            span.get_field_index(name) >= 0 and types.is_integer(span.field(name).type) for name in ("start", "end")
        )
    return _is_list(span) and types.is_integer(span.value_type)


def _is_list(kind: pyarrow.DataType) -> bool:
    return any(test(kind) for test in (types.is_list, types.is_large_list, types.is_fixed_size_list))
