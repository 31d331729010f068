"""Whether the tables of a knowledge base point into each other and hold text; for files that anyone may have made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from angel_hf.knowledge_base.stored_knowledge_base import COLUMNS

_CONTINUATION = 0b1000_0000  # the two highest bits of a byte within a character of UTF-8
_HIGHEST = 0b1100_0000


def check_contents(path: Path, tables: dict[str, np.ndarray]) -> None:
    """Refuse positions outside of their table, and strings that are not UTF-8; reads all but the offsets' values.

    Raises:
        ValueError: there are such; the message names the file and the table.
    """
    sizes = {
        "name_concepts": len(tables["concept_offsets"]) - 1,
        "concept_preferred": len(tables["name_offsets"]) - 1,
    }
    columns = [column for column in COLUMNS if f"concept_{column}" in tables]
    sizes |= {f"concept_{column}": len(tables[f"{column}_offsets"]) - 1 for column in columns}
    for name, size in sizes.items():
        table = tables[name]
        if len(table) and not 0 <= int(table.min()) <= int(table.max()) < size:
            found = int(table.max()) if int(table.min()) >= 0 else int(table.min())
            raise ValueError(
                f"{path}: table {name!r} points at {found:,} of {size:,}; the file is damaged: build it again"
            )
    for column in ("name", "concept", *columns):
        _check_strings(path, column, tables[f"{column}_bytes"], tables[f"{column}_offsets"])


def _check_strings(path: Path, column: str, data: np.ndarray, offsets: np.ndarray) -> None:
    try:
        data.tobytes().decode("utf-8")
        starts = data[offsets[:-1][offsets[:-1] < len(data)]]
        is_text = not np.any(starts & _HIGHEST == _CONTINUATION)
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        raise ValueError(
            f"{path}: table {column!r} holds bytes that are not UTF-8; the file is damaged: build it again"
        )
