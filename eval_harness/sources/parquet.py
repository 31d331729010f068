"""A benchmark as a folder of Parquet files with a dataset card: what `angel-eval build` writes, here or on the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from angel_hf.jobs.readable import UNFORESEEN, parse_json
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Mention
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example
from eval_harness.sources.source import Source, count_for

DESCRIPTION_FILE = "benchmark.json"
"""What the folder holds: benchmark, kind of the source it was built from, checksums, versions."""

KNOWLEDGE_BASE_FILE = "knowledge_base/concepts.parquet"

_IDS = pa.list_(pa.string())
ROW_SCHEMA = pa.schema(
    [
        ("document_id", pa.string()),
        ("text", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("mention", pa.string()),
        ("gold", pa.list_(_IDS)),
        ("semantic_types", _IDS),
    ]
)
"""One row a mention; `gold` is as in Example, and `mention` is `text[start:end]`, in code points."""


def rows_file(split: str, fold: str) -> str:
    """The path of a split below the folder."""
    return f"mentions/{f'fold-{fold}-' if fold else ''}{split}.parquet"


class ParquetSource(Source):
    """A folder that `angel-eval build` made."""

    kind: ClassVar[str] = "parquet"

    def __init__(self, benchmark: Benchmark, location: Path) -> None:
        super().__init__(benchmark, location)
        try:
            self.description = parse_json((location / DESCRIPTION_FILE).read_bytes())
            name, self.built_from = self.description["benchmark"], self.description["source"]
        except (ValueError, *UNFORESEEN) as error:
            raise ValueError(
                f"{location / DESCRIPTION_FILE}: {error!r}; expected what angel-eval build wrote"
            ) from None
        if name != benchmark.name:
            raise ValueError(f"{location}: holds {name}; expected {benchmark.name}: give its name to --benchmark")
        self.is_published_text = self.built_from == "genbioel"
        self.has_mention_strings = bool(self.description["knowledge_base_has_mention_strings"])

    def files(self, split: str, fold: str) -> list[Path]:
        """The split's file."""
        path = self.location / rows_file(split, fold)
        return [path] if path.is_file() else []

    def read(self, split: str, fold: str, bad: BadRecords) -> tuple[Example, ...]:
        """The rows that were built."""
        for path in self.files(split, fold):
            return tuple(_example(path, number, row, bad) for number, row in enumerate(_rows(path), start=1))
        raise self.missing(split, fold, str(self.location / rows_file(split, fold)))

    def expected(self, split: str, fold: str) -> int:
        """As in the source that the folder was built from."""
        expected = self.benchmark.expected_genbioel if self.built_from == "genbioel" else self.benchmark.expected
        return count_for(expected[split], self.benchmark, fold)

    def knowledge_base(self, bad: BadRecords) -> KnowledgeBase | None:
        """The knowledge base of the folder."""
        for path in self.knowledge_base_files():
            return KnowledgeBase.from_parquet(path)
        return None

    def knowledge_base_files(self) -> list[Path]:
        """Its file, where it may be redistributed."""
        path = self.location / KNOWLEDGE_BASE_FILE
        return [path] if path.is_file() else []


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """A Parquet file of a known schema.

    Raises:
        ValueError: it is not whole, or has other columns.
    """
    try:
        table = pq.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(f"{path}: not a whole Parquet file ({error}); build or download it again") from None
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise ValueError(
            f"{path}: no column {', '.join(missing)} among {', '.join(table.column_names)}; expected "
            f"{', '.join(schema.names)}"
        )
    return table.select(schema.names)


def _rows(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = read_table(path, ROW_SCHEMA).to_pylist()
    return rows


def _example(path: Path, number: int, row: dict[str, object], bad: BadRecords) -> Example:
    mention = Mention(str(row["text"]), int(row["start"]), int(row["end"]))  # type: ignore[call-overload]
    if mention.surface != row["mention"]:
        bad.report(
            path, number, f"the text at {mention.start} is {mention.surface!r}; expected the mention {row['mention']!r}"
        )
    gold = tuple(tuple(part) for part in row["gold"])  # type: ignore[attr-defined]
    return Example(mention, gold, str(row["document_id"]), tuple(row["semantic_types"]))  # type: ignore[arg-type]
