"""bigbio's knowledge-base schema, as the Hub's Parquet branch of a bigbio repository has it.

`{config}/{split}/*.parquet` with one row a document: `passages` with text and offsets, `entities` with text, offsets
and `normalized` ids. Scripts of such repositories no longer run; the branch refs/convert/parquet holds their output.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from angel_hf.types import Mention
from eval_harness.bad_records import BadRecords
from eval_harness.example import Example
from eval_harness.sources.parquet import read_table
from eval_harness.sources.source import Source, count_for

_SPLIT_DIRECTORIES = {"train": "train", "dev": "validation", "test": "test"}
_TEXT = pa.list_(pa.string())
_COLUMNS = pa.schema([("document_id", pa.string()), ("passages", _TEXT), ("entities", _TEXT)])


def bigbio_config(location: Path) -> Path | None:
    """The directory of the one configuration in bigbio's schema below `location`, or `location` itself; else None."""
    for directory in (location, *sorted(location.glob("*_bigbio_kb"))):
        if any(directory.glob("test/*.parquet")):
            return directory
    return None


class BigbioSource(Source):
    """The Parquet branch of a bigbio repository, downloaded."""

    kind: ClassVar[str] = "bigbio"

    def files(self, split: str, fold: str) -> list[Path]:
        """The split's shards."""
        return sorted((self.location / _SPLIT_DIRECTORIES[split]).glob("*.parquet"))

    def read(self, split: str, fold: str, bad: BadRecords) -> tuple[Example, ...]:
        """The entities of every document; each of several ids is a part."""
        files = self.files(split, fold)
        if not files:
            raise self.missing(split, fold, str(self.location / _SPLIT_DIRECTORIES[split]))
        return tuple(example for path in files for example in self._examples(path, bad))

    def expected(self, split: str, fold: str) -> int:
        """As in the original release."""
        return count_for(self.benchmark.expected[split], self.benchmark, fold)

    def _examples(self, path: Path, bad: BadRecords) -> Iterator[Example]:
        seen: set[str] = set()
        for number, row in enumerate(read_table(path, _COLUMNS).to_pylist(), start=1):
            if row["document_id"] in seen:
                bad.report(path, number, f"document {row['document_id']} again; expected every document once")
                continue
            seen.add(row["document_id"])
            text = _text(row["passages"])
            for entity in row["entities"]:
                cause = _mismatch(text, entity)
                if cause:
                    bad.report(path, number, f"document {row['document_id']}: {cause}")
                    continue
                ids = (self.benchmark.canonical_id(one["db_id"]) for one in entity["normalized"])
                gold = tuple((concept_id,) for concept_id in ids if concept_id != "-1")
                (start, end) = entity["offsets"][0]
                yield Example(Mention(text, start, end), gold, row["document_id"], (entity["type"],))


def _text(passages: list[dict[str, Any]]) -> str:
    """The document's text: every passage at its offset, spaces between."""
    text = ""
    for passage in passages:
        text = text.ljust(passage["offsets"][0][0]) + passage["text"][0]
    return text


def _mismatch(text: str, entity: dict[str, Any]) -> str:
    """What is wrong with an entity, or nothing."""
    if len(entity["offsets"]) != 1:
        return f"entity {entity['id']} has {len(entity['offsets'])} spans; expected one"
    start, end = entity["offsets"][0]
    if text[start:end].strip() != entity["text"][0].strip():
        return f"the text at {start}:{end} is {text[start:end]!r}; expected the entity {entity['text'][0]!r}"
    return ""
