"""The results of an evaluation, as a card states them; read from the harness's results.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMATS = ("angel-eval-results-1", "angel-eval-results-2")


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which values a percentage lies, at the level that the results tell."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """One predictor under one protocol; accuracies are percentages of mentions.

    Args:
        predictor: its name in the harness.
        protocol: the protocol's name.
        rules: what the protocol says, value by value.
        mentions: how many were asked.
        at_1: accuracy of the first candidate.
        at_5: of the first five.
        interval: of `at_1`, or None where the harness made none.
    """

    predictor: str
    protocol: str
    rules: tuple[tuple[str, str], ...]
    mentions: int
    at_1: float
    at_5: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A results.json: every predictor under every protocol on one benchmark.

    Args:
        benchmark: its name.
        split: which was asked.
        command: that made the results.
        confidence_level: of the intervals, or None.
        scores: in the file's order.
    """

    benchmark: str
    split: str
    command: str
    confidence_level: float | None
    scores: tuple[Score, ...]

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names of the protocols, each once."""
        return tuple(dict.fromkeys(score.protocol for score in self.scores))

    def of(self, protocol: str) -> tuple[Score, ...]:
        """The scores under one protocol."""
        return tuple(score for score in self.scores if score.protocol == protocol)


def read_evaluation(path: Path) -> Evaluation:
    """Read a results.json.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is of another format or lacks a value that a card states.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected the results.json that `angel-eval run` writes")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.get("format") not in FORMATS:
            raise ValueError(f"format {document.get('format')!r}; expected one of {', '.join(FORMATS)}")
        return Evaluation(
            benchmark=document["benchmark"],
            split=document["split"],
            command=document["command"],
            confidence_level=document.get("bootstrap", {}).get("confidence_level"),
            scores=tuple(map(_score, document["results"])),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: not results of `angel-eval run` ({error}); run it again") from error


def _score(row: dict[str, Any]) -> Score:
    interval = row.get("accuracy_at_1_interval")
    rules = {key: _words(value) for key, value in row["protocol"].items() if key != "name"}
    return Score(
        predictor=row["predictor"],
        protocol=row["protocol"]["name"],
        rules=tuple(rules.items()),
        mentions=row["mentions"],
        at_1=row["accuracy_at_1"],
        at_5=row["accuracy_at_5"],
        interval=None if interval is None else Interval(*interval),
    )


def _words(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
