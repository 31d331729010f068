"""Preference pairs as a Parquet file with a dataset card, for the Hub, for people and for the trainer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from angel_hf.arrays.array_file import written_whole
from angel_hf.jobs.readable import readable
from angel_hf.jobs.text_file import write_text
from angel_hf.model.processor import AngelProcessor
from angel_hf.training.preference.pairs import PreferencePair
from angel_hf.types import Mention

PAIRS_FILE = "train.parquet"

_STRINGS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("prompt", pa.string()),
        ("prefix", pa.string()),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
        ("chosen_rank", pa.int32()),
        ("rejected_rank", pa.int32()),
        ("chosen_score", pa.float32()),
        ("rejected_score", pa.float32()),
        ("chosen_concepts", _STRINGS),
        ("rejected_concepts", _STRINGS),
        ("gold_concepts", _STRINGS),
        ("text", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("document_id", pa.string()),
        ("source", pa.string()),
    ]
)
"""One row a pair. `prompt` is the encoder's input and `prefix` the start of the decoder's; `chosen` and `rejected` are
normalised names; ranks count from 1 and scores are mean log-probabilities under the model that mined, null for a chosen
name that was not a candidate; `text`, `start` and `end` are the mention; `source` is one of the recipe's
`mining.sources`."""


@dataclass(frozen=True, slots=True)
class MinedPair:
    """A pair with its gold concepts and its origin."""

    pair: PreferencePair
    gold: tuple[str, ...]
    document_id: str
    source: str


def write_pairs(path: Path, mined: Iterable[MinedPair], processor: AngelProcessor) -> None:
    """Write pairs to a Parquet file of SCHEMA, whole or not at all."""
    rows = [_row(pair) for pair in mined]
    mentions = [_mention(row) for row in rows]
    decode = processor.tokenizer.decode
    encoder_ids, prefix_ids = processor.encode_mentions(mentions) if mentions else ([], [])
    for row, source, prefix in zip(rows, encoder_ids, prefix_ids, strict=True):
        row["prompt"] = decode(source, skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()
        row["prefix"] = decode(prefix, clean_up_tokenization_spaces=False).strip()
    write_table(path, pa.Table.from_pylist(rows, schema=SCHEMA))


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file whole or not at all."""
    with written_whole(path) as temporary:
        pq.write_table(table, temporary)


def read_pairs(path: Path) -> Iterator[tuple[Mention, str, str]]:
    """The mention, the chosen and the rejected name of each row.

    Raises:
        ValueError: the file is not Parquet, or lacks a column.
    """
    try:
        table = pq.read_table(path, columns=["text", "start", "end", "chosen", "rejected"])
        rows = table.to_pylist()
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:  # a damaged footer is the second
        raise ValueError(f"{path}: not preference pairs ({error}); expected a file from `angel mine`") from None
    for number, row in enumerate(rows, start=1):
        with readable(f"{path}: row {number}", "expected text, start, end, chosen and rejected, none of them null"):
            pair = _mention(row), row["chosen"], row["rejected"]
            if not all(isinstance(name, str) for name in pair[1:]):
                raise ValueError("a name is null")
        yield pair


def write_card(directory: Path, title: str, made_by: str) -> None:
    """Write the dataset card beside the pairs; the directory then loads as a dataset, from disk and from the Hub."""
    table = pq.read_table(directory / PAIRS_FILE, columns=["source", "chosen_rank"])
    sources = table.column("source").value_counts().to_pylist()
    counts = "\n".join(f"| {entry['values']} | {entry['counts']:,} |" for entry in sources)
    card = f"""---
configs:
- config_name: default
  data_files: {PAIRS_FILE}
tags:
- entity-linking
- biomedical
- preference
---
# {title}

Preference pairs for biomedical entity linking by name generation: for each mention a name of its concept (`chosen`)
and a name of another concept (`rejected`) that a model ranked above it, or first among the wrong ones. {made_by}

{table.num_rows:,} pairs; in {table.column("chosen_rank").null_count:,} of them no candidate was right, and the gold
name nearest to the mention by characters was chosen.

| source of the mention | pairs |
|---|---|
{counts}

The texts and names are those of the corpus and the ontologies that were mined; their licences hold.
"""
    write_text(directory / "README.md", card)


def _row(mined: MinedPair) -> dict[str, Any]:
    pair = mined.pair
    return {
        "chosen": pair.chosen.candidate.name,
        "rejected": pair.rejected.candidate.name,
        "chosen_rank": pair.chosen.rank,
        "rejected_rank": pair.rejected.rank,
        "chosen_score": None if pair.chosen.rank is None else pair.chosen.candidate.score,
        "rejected_score": pair.rejected.candidate.score,
        "chosen_concepts": pair.chosen.candidate.concept_ids,
        "rejected_concepts": pair.rejected.candidate.concept_ids,
        "gold_concepts": mined.gold,
        "text": pair.mention.text,
        "start": pair.mention.start,
        "end": pair.mention.end,
        "document_id": mined.document_id,
        "source": mined.source,
    }


def _mention(row: dict[str, Any]) -> Mention:
    return Mention(row["text"], row["start"], row["end"])
