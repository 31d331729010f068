"""What a window becomes: a table of linked mentions, a table of rejected rows, and their counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow
import pyarrow.parquet

from angel_hf.bulk.documents import RejectedRow
from angel_hf.bulk.job import Options
from angel_hf.results import Annotated
from angel_hf.types import Candidate

_CANDIDATE = pyarrow.struct(
    [("name", pyarrow.string()), ("concept_ids", pyarrow.list_(pyarrow.string())), ("score", pyarrow.float32())]
)
OUTPUT_COLUMNS = frozenset(
    ("document_id", "start", "end", "surface", "read_as", "concept_ids", "name", "score", "confidence", "candidates")
)
_COUNTS, _RUN = b"angel", b"angel_run"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a window.

    Args:
        rows: of the input, rejected ones included.
        mentions: rows of the output.
        rejected: rows of the input that could not be linked.
        causes: of the rejected rows, each with file and row.
    """

    rows: int
    mentions: int
    rejected: int
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shard:
    """The tables of a window.

    Args:
        linked: a row for each mention, in the order of the input, or for each part of a composite mention.
        rejected: document_id, file, row (counted from 0 in the file) and cause.
    """

    linked: pyarrow.Table
    rejected: pyarrow.Table


def linked_table(
    rows: pyarrow.Table, found: Sequence[tuple[int, Annotated]], options: Options, has_confidence: bool
) -> pyarrow.Table:
    """The linked mentions of a window.

    Args:
        rows: the window's rows of the input.
        found: row in the window and linked mention, in the order of the output.
        options: `expand` and `detect` make the column read_as, `top_k` above 1 makes candidates.
        has_confidence: whether the model has a confidence.

    Returns:
        The document's id under the name `document_id`, the columns kept, and then start, end (int32, in characters),
        surface, read_as, concept_ids (all that bear the name; empty where the search found no name), name (null
        there), score (float32, as a Candidate's), confidence (float32) and candidates (name, concept_ids, score; best
        first, and with `detect` one a concept).
    """
    taken = pyarrow.array([row for row, _ in found], pyarrow.int64())
    columns = {"document_id": _taken(rows[options.columns.id], taken)}
    columns |= {name: _taken(rows[name], taken) for name in options.columns.keep}
    linked = [mention for _, mention in found]
    best = [one.best for one in linked]
    int32, string, float32 = pyarrow.int32(), pyarrow.string(), pyarrow.float32()
    columns["start"] = pyarrow.array([one.mention.start for one in linked], int32)
    columns["end"] = pyarrow.array([one.mention.end for one in linked], int32)
    columns["surface"] = pyarrow.array([one.mention.surface for one in linked], string)
    if options.detect or options.expand:
        columns["read_as"] = pyarrow.array([one.read_as for one in linked], string)
    concept_ids = [list(one.concept_ids) if one else [] for one in best]
    columns["concept_ids"] = pyarrow.array(concept_ids, pyarrow.list_(string))
    columns["name"] = pyarrow.array([one.name if one else None for one in best], string)
    columns["score"] = pyarrow.array([one.score if one else None for one in best], float32)
    if has_confidence:
        columns["confidence"] = pyarrow.array([one.confidence for one in linked], float32)
    if options.top_k > 1:
        candidates = [[_candidate(candidate) for candidate in one.candidates] for one in linked]
        columns["candidates"] = pyarrow.array(candidates, pyarrow.list_(_CANDIDATE))
    return pyarrow.table(columns)


def rejected_table(
    rows: pyarrow.Table, rejected: Sequence[RejectedRow], id_column: str, file: str, first_row: int
) -> pyarrow.Table:
    """The rejected rows of a window; see `Shard`."""
    taken = pyarrow.array([one.row for one in rejected], pyarrow.int64())
    return pyarrow.table(
        {
            "document_id": _taken(rows[id_column], taken),
            "file": pyarrow.array([file] * len(rejected), pyarrow.string()),
            "row": pyarrow.array([first_row + one.row for one in rejected], pyarrow.int64()),
            "cause": pyarrow.array([one.cause for one in rejected], pyarrow.string()),
        }
    )


def to_parquet(table: pyarrow.Table, report: Report | None = None, run: str = "") -> pyarrow.Buffer:
    """A table as a Parquet file, with the window's counts and run in its metadata; equal tables give equal bytes."""
    if report is not None:
        counts = {name: value for name, value in asdict(report).items() if name != "causes"}
        table = table.replace_schema_metadata({_COUNTS: json.dumps(counts, allow_nan=False), _RUN: run})
    stream = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def stored_report(metadata: pyarrow.parquet.FileMetaData) -> tuple[Report, str]:
    """The counts and the run that `to_parquet` put into a file's metadata."""
    return Report(**json.loads(metadata.metadata[_COUNTS])), metadata.metadata[_RUN].decode()


def _taken(column: pyarrow.ChunkedArray, rows: pyarrow.Array) -> pyarrow.ChunkedArray:
    if pyarrow.types.is_dictionary(column.type):
        # Each batch of a file has a dictionary of its own.
        column = column.cast(column.type.value_type)
    return column.take(rows)


def _candidate(candidate: Candidate) -> dict[str, object]:
    return {"name": candidate.name, "concept_ids": list(candidate.concept_ids), "score": candidate.score}
