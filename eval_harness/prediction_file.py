"""Prediction files: Parquet, one row a mention, written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from angel_hf.arrays.array_file import written_whole
from angel_hf.jobs.readable import parse_json, readable
from angel_hf.types import Candidate
from eval_harness.flags import Flags
from eval_harness.prediction import Prediction
from eval_harness.prediction_schema import PREDICTION_SCHEMA
from eval_harness.sources.parquet import read_table

_ORIGIN_KEY = b"angel-eval"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a prediction file was made by; stored in it.

    Args:
        benchmark: its name.
        split: the evaluated one.
        predictor: its name.
        protocol: its name.
        score_kind: what the candidates' scores are.
        identity: SHA-256 of the tasks and of the predictor with its parameters: equal for a rerun.
    """

    benchmark: str
    split: str
    predictor: str
    protocol: str
    score_kind: str
    identity: str


def write_predictions(path: Path, predictions: Iterable[Prediction], origin: Origin) -> None:
    """Write a file of PREDICTION_SCHEMA."""
    rows = [_row(prediction) for prediction in predictions]
    metadata = {_ORIGIN_KEY: json.dumps(dataclasses.asdict(origin), allow_nan=False)}
    table = pa.Table.from_pylist(rows, schema=PREDICTION_SCHEMA).replace_schema_metadata(metadata)
    with written_whole(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_predictions(path: Path) -> list[Prediction]:
    """The rows of a file.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is damaged or of another kind.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; expected a prediction file of angel-eval run")
    with readable(path, "expected a prediction file of angel-eval run; run the predictor again"):
        return [_prediction(row) for row in read_table(path, PREDICTION_SCHEMA).to_pylist()]


def read_origin(path: Path) -> Origin:
    """What a file was made by.

    Raises:
        ValueError: it is damaged or of another kind.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(f"{path}: not a whole Parquet file ({error}); run the predictor again") from None
    if _ORIGIN_KEY not in metadata:
        raise ValueError(f"{path}: does not say what made it; expected a prediction file of angel-eval run")
    with readable(path, "expected a prediction file of angel-eval run"):
        return Origin(**parse_json(metadata[_ORIGIN_KEY]))


def _row(prediction: Prediction) -> dict[str, Any]:
    """By hand: `dataclasses.asdict` copies every string and takes longer than a fast linker's answer."""
    row = {name: getattr(prediction, name) for name in PREDICTION_SCHEMA.names}
    flags = PREDICTION_SCHEMA.field("flags").type
    row["flags"] = {field.name: getattr(prediction.flags, field.name) for field in flags}
    row["candidates"] = [
        {"name": one.name, "concept_ids": one.concept_ids, "score": one.score} for one in prediction.candidates
    ]
    return row


def _prediction(row: dict[str, Any]) -> Prediction:
    for column in ("semantic_types", "gold_names"):
        row[column] = tuple(row[column])
    for column in ("gold", "gold_in_knowledge_base"):
        row[column] = tuple(map(tuple, row[column]))
    row["flags"] = Flags(**row["flags"])
    row["candidates"] = tuple(
        Candidate(one["name"], tuple(one["concept_ids"]), one["score"]) for one in row["candidates"]
    )
    return Prediction(**row)
