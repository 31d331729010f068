"""The results of an evaluation, as a card states them; read from the harness's results.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angel_hf.jobs.readable import UNFORESEEN, parse_json

MODEL = "angel"
"""The predictor that is a model of this package."""

FORMATS = ("angel-eval-results-1", "angel-eval-results-2")


@dataclass(frozen=True, slots=True)
class Interval:
    """The bounds of a percentage, at the level that the results state."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals were made.

    Args:
        level: as 0.95.
        resamples: how many.
        unit: what was drawn: "document" or "mention".
    """

    level: float
    resamples: int
    unit: str


@dataclass(frozen=True, slots=True)
class Score:
    """One predictor under one protocol; accuracies are percentages of mentions.

    Args:
        predictor: its name in the harness.
        protocol: the protocol's name.
        rules: the parameters of the protocol.
        mentions: how many were linked.
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
        split: the evaluated one.
        text: form of the texts, as "released", or empty where the results do not say.
        command: that made the results.
        model: directory or repository of the model that was measured, or empty likewise.
        bootstrap: of the intervals, or None.
        differences: between the data and what is published of it, in words.
        scores: in the file's order.
    """

    benchmark: str
    split: str
    text: str
    command: str
    model: str
    bootstrap: Bootstrap | None
    differences: tuple[str, ...]
    scores: tuple[Score, ...]

    @property
    def name(self) -> str:
        """Benchmark, split and form of the texts, which distinguish results."""
        return ", ".join(filter(None, (self.benchmark, self.split, self.text and f"text {self.text}")))

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
        document = parse_json(path.read_bytes())
        if document.get("format") not in FORMATS:
            raise ValueError(f"format {document.get('format')!r}; expected one of {', '.join(FORMATS)}")
        if document.get("sample"):
            raise ValueError("measured on a sample, which says nothing about the benchmark")
        return Evaluation(
            benchmark=document["benchmark"],
            split=document["split"],
            text=document.get("text", ""),
            command=document["command"],
            model=document.get("models", {}).get(MODEL, ""),
            bootstrap=_bootstrap(document.get("bootstrap")),
            differences=tuple(document.get("differences", ())),
            scores=tuple(map(_score, document["results"])),
        )
    except (ValueError, *UNFORESEEN) as error:
        raise ValueError(f"{path}: not results of `angel-eval run` ({error}); run it again") from error


def _bootstrap(values: dict[str, Any] | None) -> Bootstrap | None:
    return Bootstrap(values["confidence_level"], values["resamples"], values["unit"]) if values else None


def _score(row: dict[str, Any]) -> Score:
    interval = row.get("accuracy_at_1_interval")
    rules = {key: _as_text(value) for key, value in row["protocol"].items() if key != "name"}
    return Score(
        predictor=row["predictor"],
        protocol=row["protocol"]["name"],
        rules=tuple(rules.items()),
        mentions=row["mentions"],
        at_1=row["accuracy_at_1"],
        at_5=row["accuracy_at_5"],
        interval=None if interval is None else Interval(*interval),
    )


def _as_text(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
