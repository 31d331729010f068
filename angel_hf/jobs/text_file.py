"""Text files written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from angel_hf.arrays.array_file import written_whole


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8, whole or not at all, into a directory that need not exist."""
    with written_whole(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all.

    Raises:
        ValueError: a number is not finite, which JSON cannot tell.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
