"""A visitor's own knowledge base, from a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from angel_hf import KnowledgeBase
from demo.limits import MOST_NAMES, VisitorError, checked_file, decoded

_ID_COLUMNS = ("concept_id", "id", "identifier", "code", "curie")
_NAME_COLUMNS = ("name", "names", "label", "term", "preferred_name")
_MORE_COLUMNS = ("synonyms", "synonym", "aliases")
_EXPECTED = (
    "expected a first line with the columns concept_id and name, and perhaps synonyms joined by a bar: "
    "`concept_id,name,synonyms`"
)


def read_knowledge_base(path: str | Path | None) -> KnowledgeBase:
    """Read an uploaded knowledge base: CSV or TSV, JSON, OBO, or any other format that angel_hf reads.

    Raises:
        VisitorError: it is too large, of no known format, or holds too many names.
    """
    file = checked_file(path)
    text = decoded(file)
    try:
        if file.suffix.lower() in (".csv", ".tsv"):
            knowledge_base = KnowledgeBase.from_names(_rows(text, file.name))
        else:
            knowledge_base = KnowledgeBase.from_file(file)
    except (ValueError, ImportError) as error:
        raise VisitorError(f"{file.name} is not a knowledge base: {_without_folder(str(error), file)}") from None
    if knowledge_base.num_names > MOST_NAMES:
        raise VisitorError(
            f"{file.name} has {knowledge_base.num_names:,} names; this page takes {MOST_NAMES:,}. For more, use "
            "`KnowledgeBase.from_file` and `model.set_knowledge_base` on your own machine."
        )
    return knowledge_base


def _rows(text: str, name: str) -> dict[str, list[str]]:
    """Names by concept; a concept may take several rows."""
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text.partition("\n")[0], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    rows = csv.DictReader(io.StringIO(text), dialect=dialect)
    columns = {(column or "").strip().lower(): column for column in rows.fieldnames or ()}
    of_id = next((columns[column] for column in _ID_COLUMNS if column in columns), None)
    of_name = next((columns[column] for column in _NAME_COLUMNS if column in columns), None)
    if of_id is None or of_name is None:
        raise ValueError(f"its columns are {', '.join(columns) or 'missing'}; {_EXPECTED}")
    of_more = next((columns[column] for column in _MORE_COLUMNS if column in columns), None)
    found: dict[str, list[str]] = {}
    for row in rows:
        concept_id = (row[of_id] or "").strip()
        fields = [row[of_name], row[of_more] if of_more else None]
        names = [part.strip() for field in fields for part in (field or "").split("|") if part.strip()]
        if not concept_id or not names:
            raise ValueError(f"line {rows.line_num} has no {'id' if not concept_id else 'name'}; {_EXPECTED}")
        found.setdefault(concept_id, []).extend(names)
    if not found:
        raise ValueError(f"it has no rows; {_EXPECTED}")
    return found


def _without_folder(message: str, file: Path) -> str:
    """The message without the folder of uploads."""
    return message.replace(str(file), file.name).replace(f"{file.name}: ", "")
