"""MeSH as two tab-separated mappings: descriptors, and supplementary concept records.

A descriptor's row is `id, name, synonyms, tree numbers, taxonomy ids`, a supplementary record's `id, name,
synonyms, descriptors it is mapped to`. A bar joins synonyms, tree numbers and taxonomy ids, a comma the
mapped descriptors; any of them may be empty.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator

from angel_hf.formats.lines import open_lines
from angel_hf.types import Concept

_DESCRIPTOR_COLUMNS = 5
_SUPPLEMENTARY_COLUMNS = 4
_EXPECTED = (
    "expected `id, name, synonyms, tree numbers, taxonomy ids` (descriptors) or `id, name, synonyms, mapped "
    "descriptors` (supplementary records), separated by tabs"
)


def read_mesh(path: str | os.PathLike[str]) -> Iterator[Concept]:
    """Stream the concepts of a MeSH mapping, `.gz` included; the first name is the preferred one.

    The parents of a descriptor are the descriptors one step up its tree numbers; those of a supplementary record are
    the descriptors that it is mapped to.

    Raises:
        ValueError: a malformed row, named by file and line, with what was expected.
    """
    # A descriptor's parent may follow it in the file, so the owners of all tree numbers are read first.
    owners = {tree: row[0] for _, row in _rows(path) if len(row) == _DESCRIPTOR_COLUMNS for tree in _split(row[3], "|")}
    for number, row in _rows(path):
        if len(row) == _DESCRIPTOR_COLUMNS:
            above = (owners.get(tree.rpartition(".")[0]) for tree in _split(row[3], "|"))
            parents = [parent for parent in above if parent is not None]
        elif len(row) == _SUPPLEMENTARY_COLUMNS:
            parents = _split(row[3], ",")
        else:
            raise ValueError(f"{os.fspath(path)}:{number}: {len(row)} columns in {_shown(row)}; {_EXPECTED}")
        # A line break or a tab inside a quoted name is no more than a space.
        names = tuple(" ".join(name.split()) for name in (row[1], *_split(row[2], "|")))
        if not row[0].strip() or not all(names):
            raise ValueError(f"{os.fspath(path)}:{number}: an empty id or name in {_shown(row)}; {_EXPECTED}")
        yield Concept(row[0], names, parents=tuple(dict.fromkeys(parents)))


def _rows(path: str | os.PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows that are not empty; a field may be quoted, as one that holds a tab is."""
    rows = csv.reader(open_lines(path), delimiter="\t", strict=True)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise ValueError(f"{os.fspath(path)}:{rows.line_num}: {error}; {_EXPECTED}") from None
        if row is None:
            return
        if row:
            yield rows.line_num, row


def _split(field: str, separator: str) -> list[str]:
    return field.split(separator) if field else []


def _shown(row: list[str], limit: int = 120) -> str:
    text = repr("\t".join(row))
    return text if len(text) <= limit else text[: limit - 3] + "..."
