"""results.json: what was run and what came out, checked against its schema whenever it is written or read."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.resources
import json
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from angel_hf.jobs.readable import parse_json, readable
from angel_hf.jobs.text_file import write_json
from eval_harness.protocol import Protocol
from eval_harness.result import FoldResult, Result, SliceResult
from eval_harness.significance import CONFIDENCE_LEVEL, RESAMPLES, SEED, Interval

FORMAT = "angel-eval-results-2"
RESULTS_FILE = "results.json"

_LIBRARIES = ("angel-hf", "torch", "transformers", "tokenizers", "numpy", "scipy", "scikit-learn", "pyarrow")
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class RunDescription:
    """What was run.

    Args:
        benchmark: its name.
        split: the evaluated one.
        source: kind of source: released, genbioel, parquet or bigbio.
        text: form of the texts.
        command: that made it.
        models: what each predictor is, by its name: a directory or repository, and the revision if there is one.
        knowledge_base_files: names of the files that --knowledge-base gave.
        data_sha256: checksums of all files that were read, by their path in the source.
        differences: from what is expected of the data, in words.
        bad_records: records that were left out, with file, line and cause.
        sample: whether the data is a small sample that stands in for the benchmark.
        seed: of the bootstrap.
        versions: of Python and libraries.
    """

    benchmark: str
    split: str
    source: str
    text: str
    command: str
    models: dict[str, str]
    knowledge_base_files: tuple[str, ...]
    data_sha256: dict[str, str]
    differences: tuple[str, ...] = ()
    bad_records: tuple[str, ...] = ()
    sample: bool = False
    seed: int = SEED
    versions: dict[str, str] = dataclasses.field(default_factory=lambda: versions())


@dataclass(frozen=True, slots=True)
class Report:
    """A run with its results: the contents of results.json."""

    run: RunDescription
    results: tuple[Result, ...]


def write_results(path: Path, report: Report) -> None:
    """Write a results.json."""
    document = to_json(report)
    jsonschema.validate(document, _schema())
    write_json(path, document)


def read_results(path: Path) -> Report:
    """Read a results.json.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is damaged or of another format.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; expected what angel-eval run writes")
    try:
        document = parse_json(path.read_bytes())
        jsonschema.validate(document, _schema())
    except ValueError as error:
        raise ValueError(f"{path}: {error}; run angel-eval again") from None
    except jsonschema.ValidationError as error:
        raise ValueError(f"{path}: {error.json_path}: {error.message[:200]}; expected the format {FORMAT}") from None
    with readable(path, f"expected the format {FORMAT}: run angel-eval again"):
        return _from_json(document)


def versions() -> dict[str, str]:
    """Of Python and the libraries that decide about results."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = "not installed"
    return found


def to_json(report: Report) -> dict[str, Any]:
    """The JSON document; percentages have four digits."""
    return {
        "format": FORMAT,
        **dataclasses.asdict(report.run),
        "knowledge_base_files": list(report.run.knowledge_base_files),
        "differences": list(report.run.differences),
        "bad_records": list(report.run.bad_records),
        "bootstrap": {"resamples": RESAMPLES, "confidence_level": CONFIDENCE_LEVEL, "unit": "document"},
        "results": [_result_to_json(result) for result in report.results],
    }


def _result_to_json(result: Result) -> dict[str, Any]:
    plain = dataclasses.asdict(result)
    accuracies = _accuracies_to_json(plain.pop("accuracy_at"))
    distinct = {"pairs": plain.pop("distinct"), **_accuracies_to_json(plain.pop("distinct_accuracy_at"))}
    return _rounded({**plain, **accuracies, "distinct": distinct})


def _accuracies_to_json(values: dict[int, float]) -> dict[str, float]:
    return {f"accuracy_at_{k}": value for k, value in values.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"low", "high"}:
            return [round(value["low"], _DIGITS), round(value["high"], _DIGITS)]
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(inner) for inner in value]
    return round(value, _DIGITS) if isinstance(value, float) else value


def _from_json(document: dict[str, Any]) -> Report:
    fields = {field.name for field in dataclasses.fields(RunDescription)}
    run = {key: value for key, value in document.items() if key in fields}
    for key in ("knowledge_base_files", "differences", "bad_records"):
        run[key] = tuple(run[key])
    return Report(RunDescription(**run), tuple(map(_result_from_json, document["results"])))


def _result_from_json(plain: dict[str, Any]) -> Result:
    row = dict(plain)
    distinct = row.pop("distinct")
    row["distinct"] = distinct["pairs"]
    row["distinct_accuracy_at"] = _accuracies_from_json(distinct)
    row["accuracy_at"] = _accuracies_from_json(row)
    for key in [f"accuracy_at_{k}" for k in row["accuracy_at"]]:
        del row[key]
    row["protocol"] = Protocol(**row["protocol"] | {"training_splits": tuple(row["protocol"]["training_splits"])})
    row["slices"] = tuple(SliceResult(**_with_intervals(one)) for one in row["slices"])
    row["folds"] = tuple(FoldResult(**one) for one in row["folds"])
    return Result(**_with_intervals(row))


def _accuracies_from_json(row: dict[str, Any]) -> dict[int, float]:
    return {k: row[f"accuracy_at_{k}"] for k in range(1, 1 + len(row)) if f"accuracy_at_{k}" in row}


def _with_intervals(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: Interval(*value) if key.endswith("_interval") and value is not None else value
        for key, value in row.items()
    }


@cache
def _schema() -> dict[str, Any]:
    text = importlib.resources.files("eval_harness").joinpath("results.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
