"""The files of a run, each written whole or not at all."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eval_harness.scoring import Prediction, Result

FORMAT = "angel-eval-results-1"
_LIBRARIES = ("angel-hf", "torch", "transformers", "numpy", "scikit-learn")

_IDS = pa.list_(pa.string())
_CANDIDATE = pa.struct([("name", pa.string()), ("concept_ids", _IDS), ("score", pa.float64())])
PREDICTION_SCHEMA = pa.schema(
    [
        ("document_id", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("mention", pa.string()),
        ("gold", pa.list_(_IDS)),
        ("gold_in_knowledge_base", _IDS),
        ("candidates", pa.list_(_CANDIDATE)),
        ("rank", pa.int64()),
    ]
)
"""One row a mention; `gold` is as in Example, `rank` the place of the first right candidate, or null."""


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write a Parquet file of PREDICTION_SCHEMA."""
    rows = [
        {
            "document_id": prediction.example.document_id,
            "start": prediction.example.mention.start,
            "end": prediction.example.mention.end,
            "mention": prediction.example.mention.surface,
            "gold": prediction.example.gold,
            "gold_in_knowledge_base": sorted(prediction.gold),
            "candidates": [dataclasses.asdict(candidate) for candidate in prediction.linked.candidates],
            "rank": prediction.rank,
        }
        for prediction in predictions
    ]
    temporary = _temporary(path)
    pq.write_table(pa.Table.from_pylist(rows, schema=PREDICTION_SCHEMA), temporary)
    temporary.replace(path)


def write_results(path: Path, head: dict[str, Any], results: Sequence[Result]) -> None:
    """Write results.json: what was run (`head`), and an object for each result."""
    document = {"format": FORMAT, **head, "versions": versions(), "results": [_as_json(result) for result in results]}
    temporary = _temporary(path)
    temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def versions() -> dict[str, str]:
    """Of Python and the libraries that decide about results."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = "not installed"
    return found


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "predictor": result.predictor,
        "protocol": dataclasses.asdict(result.protocol),
        "mentions": result.mentions,
        "unanswered": result.unanswered,
        "gold_not_in_knowledge_base": result.gold_not_in_knowledge_base,
        **_accuracies(result.accuracy_at),
        "distinct": {"pairs": result.distinct, **_accuracies(result.distinct_accuracy_at)},
        "seconds": round(result.seconds, 2),
    }


def _accuracies(values: dict[int, float]) -> dict[str, float]:
    return {f"accuracy_at_{k}": round(value, 4) for k, value in values.items()}


def _temporary(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.{os.getpid()}.tmp")
