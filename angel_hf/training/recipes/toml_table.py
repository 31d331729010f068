"""A TOML table as a frozen dataclass: every key known, every value of its type."""

from __future__ import annotations

import dataclasses
import difflib
import sys
import types
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

if sys.version_info >= (3, 11):
    from tomllib import loads as parse_toml
else:
    from tomli import loads as parse_toml

from angel_hf.jobs.readable import what_stopped

_Table = TypeVar("_Table")


def read_toml(path: Path) -> dict[str, Any]:
    """The table of a TOML file.

    Raises:
        ValueError: it is not TOML; the message names the place.
    """
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not TOML ({what_stopped(error)})") from None


def from_table(table_type: type[_Table], table: dict[str, Any], where: str) -> _Table:
    """Build a dataclass, and those inside it, from a table.

    Args:
        table_type: a dataclass whose fields are str, int, float, bool, Literal of strings, tuple of one of these,
            another such dataclass, or the union of one of these and None.
        table: as parsed from TOML.
        where: named in errors, as in `my.toml: [fine_tuning]`.

    Raises:
        ValueError: a key is unknown (the nearest known one is named) or missing, a value is of another type, or the
            dataclass refuses it.
    """
    hints = get_type_hints(table_type)
    fields = {field.name: field for field in dataclasses.fields(table_type)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise ValueError(f"{where}: unknown key {key!r}; {_nearest_key(key, list(fields))}")
    missing = [
        name
        for name, field in fields.items()
        if name not in table and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{where}: {', '.join(map(repr, missing))} missing; expected a value for each")
    values = {key: _value(hints[key], value, f"{where}: {key}") for key, value in table.items()}
    try:
        return table_type(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _nearest_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {nearest[0]!r}?" if nearest else f"expected one of {', '.join(known)}"


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return None if value is None else _value(inner, value, where)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ValueError(f"{where}: got {value!r}; expected a table")
        return from_table(hint, value, where)  # type: ignore[arg-type]
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{where}: got {value!r}; expected one of {', '.join(map(repr, arguments))}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"{where}: got {value!r}; expected a list")
        return tuple(_value(arguments[0], item, where) for item in value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{where}: got {value!r}; expected {hint.__name__}")
    return value
