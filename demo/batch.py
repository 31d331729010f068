"""Many documents at once: a file of documents in, a Parquet and a CSV file out."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angel_hf.formats import documents as formats
from angel_hf.formats.document import Document
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from demo.limits import MOST_DOCUMENTS, MOST_SECONDS, VisitorError, checked_file, checked_text
from demo.marking import percent
from demo.workbench import Visit, annotate, as_row

COLUMNS = (
    "document_id", "start", "end", "text", "read_as", "confidence", "nil", "name", "concept_ids", "mapped_ids",
    "candidates",
)  # fmt: skip
"""Of the files that a batch gives; `concept_ids` and `mapped_ids`, their other identifiers, are joined by a bar,
`candidates` are JSON as the API gives them."""

SHOWN_COLUMNS = ("Document", "Text", "Linked to", "Concepts", "Confidence")
"""Of the table on the page."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Upload:
    """The documents of an uploaded file, and what of it could not be read."""

    documents: list[Document]
    rejected: list[Rejected]

    @property
    def told(self) -> str:
        """What could not be read, for the visitor; empty where all was."""
        if not self.rejected:
            return ""
        first = self.rejected[0]
        where = f"line {first.line}: " if first.line else ""
        return f" {len(self.rejected):,} records could not be read, the first at {where}{first.cause}."


def read_documents(path: str | Path | None) -> Upload:
    """The documents of an upload, in any format that `angel annotate` reads.

    Raises:
        VisitorError: nothing in it can be read, it is too large, or one of its texts may not be annotated.
    """
    file = checked_file(path)
    with Source(file) as source:
        items = list(formats.read_documents(source, reading=Reading(mentions=False)))
    documents = [item for item in items if isinstance(item, Document)]
    rejected = [item for item in items if isinstance(item, Rejected)]
    if rejected and not documents:
        first = rejected[0]
        where = f", line {first.line}" if first.line else ""
        raise VisitorError(f"{file.name}{where} could not be read: {first.cause}")
    if not 0 < len(documents) <= MOST_DOCUMENTS:
        raise VisitorError(
            f"{file.name} has {len(documents):,} documents; this page takes 1 to {MOST_DOCUMENTS}. For more, run "
            "`angel annotate` on your own machine."
        )
    for document in documents:
        try:
            checked_text(document.text)
        except VisitorError as error:
            raise VisitorError(f"{file.name}, document {document.document_id}: {error}") from None
    return Upload(documents, rejected)


def annotate_documents(
    visit: Visit, documents: Iterable[Document], precision: float | None, progress: Progress = lambda _part, _text: None
) -> list[dict[str, Any]]:
    """One row a mention, with the keys COLUMNS.

    Raises:
        VisitorError: it takes too long.
    """
    documents = list(documents)
    rows, end = [], time.monotonic() + MOST_SECONDS
    for done, document in enumerate(documents):
        if time.monotonic() > end:
            raise VisitorError(
                f"After {MOST_SECONDS} seconds {done} of {len(documents)} documents are done, and others wait: take "
                "fewer, or run `angel annotate` on your own machine."
            )
        progress(done / len(documents), f"{done} of {len(documents)} documents")
        for found in annotate(visit, document.text, precision):
            answer = as_row(visit, found)
            best = answer["candidates"][0] if answer["candidates"] and not found.is_nil else None
            rows.append(
                {
                    "document_id": document.document_id,
                    **{column: answer[column] for column in COLUMNS[1:7]},
                    "name": best["name"] if best else None,
                    "concept_ids": "|".join(best["concept_ids"]) if best else None,
                    "mapped_ids": "|".join(best["mapped_ids"]) if best else None,
                    "candidates": json.dumps(answer["candidates"], ensure_ascii=False, allow_nan=False),
                }
            )
    return rows


def shown_row(row: dict[str, Any]) -> list[str]:
    """A row as the table on the page shows it, with SHOWN_COLUMNS."""
    confidence = "" if row["confidence"] is None else percent(row["confidence"])
    return [row["document_id"], row["text"], row["name"] or "NIL", row["concept_ids"] or "", confidence]


def write_csv(rows: Iterable[dict[str, Any]], path: Path) -> Path:
    """Write rows for a spreadsheet: a cell that it would compute as a formula gets an apostrophe in front."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows({column: _escape_formula(value) for column, value in row.items()} for row in rows)
    return path


def write_parquet(rows: list[dict[str, Any]], path: Path) -> Path:
    """Write rows as they are.

    Raises:
        VisitorError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise VisitorError("Parquet needs pyarrow: pip install 'angel-hf[demo]'") from error
    kinds = dict.fromkeys(COLUMNS, pa.string())
    kinds |= {"start": pa.int64(), "end": pa.int64(), "confidence": pa.float64(), "nil": pa.bool_()}
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items()))), path)
    return path


def _escape_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
