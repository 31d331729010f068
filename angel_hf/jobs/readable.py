"""Files that anyone may have made or damaged: whatever stops their reading becomes an error that names the file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNFORESEEN = (
    RecursionError,
    MemoryError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
)
"""What reading meets in contents that no one foresaw: nested too deeply, too large a number, a list for an object."""


@contextmanager
def readable(name: str | Path, fix: str) -> Iterator[None]:
    """Turn everything that contents can cause while they are read into a ValueError `NAME: what is wrong; fix`.

    A ValueError that begins with the name passes as it is.
    """
    try:
        yield
    except (ValueError, *UNFORESEEN) as error:
        if isinstance(error, ValueError) and str(error).startswith(str(name)):
            raise
        raise ValueError(f"{name}: {what_stopped(error)}; {fix}") from error


def what_stopped(error: BaseException) -> str:
    """An error of contents in words."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, MemoryError):
        return "too large for the memory"
    if isinstance(error, KeyError):
        return f"has no {error}"
    if isinstance(error, ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def parse_json(text: str | bytes) -> Any:
    """A value of JSON proper: no NaN, no Infinity, no number beyond those of a double.

    Raises:
        ValueError: not JSON; nested too deeply; or such a number.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("not JSON (nested too deeply)") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not JSON in UTF-8 ({error})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from None


def read_json(path: str | Path, fix: str) -> Any:
    """The value of a JSON file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no JSON proper; the message names the file and ends in `fix`.
    """
    with readable(path, fix):
        return parse_json(Path(path).read_bytes())


def read_json_object(path: str | Path, fix: str) -> dict[str, Any]:
    """The object of a JSON file; see `read_json`.

    Raises:
        ValueError: it holds no object, too.
    """
    value = read_json(path, fix)
    if not isinstance(value, dict):
        raise ValueError(f"{path}: holds {type(value).__name__} where an object was expected; {fix}")
    return value


def finite(name: str, value: object) -> float:
    """A number of a file as a float.

    Raises:
        ValueError: it is no number, or not a finite one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is {json.dumps(value)[:80]}; expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}; expected a finite number")
    return number


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"not JSON ({constant} is no number of JSON)")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"not JSON (the number {digits[:40]} is too large)")
    return number


def json_digest(values: dict[str, Any]) -> str:
    """16 hexadecimal digits of the SHA-256 of values that JSON gives back as they are, lists for tuples."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, allow_nan=False).encode()).hexdigest()[:16]
