"""Confidence: the calibrated probability that the first candidate is right, and the thresholds of NIL."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from angel_hf.jobs.readable import UNFORESEEN, finite, json_digest, parse_json, what_stopped
from angel_hf.jobs.text_file import write_text
from angel_hf.text.reading import fold, normalize
from angel_hf.types import Candidate, Linked

CONFIDENCE_FILE = "confidence.json"
_FORMAT = "angel-confidence-1"


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a confidence.

    Args:
        logprob: mean log-probability of the first name's tokens.
        margin: its lead over that of the best name of another concept; 5 at most, and without another concept.
        mass: share of the first concept's names in the probabilities of all candidates' names.
        exact: 1 where the mention is the first name, in the normalised form, else 0.
        similarity: Dice coefficient of the character trigrams of both.
    """

    logprob: float
    margin: float
    mass: float
    exact: float
    similarity: float


@dataclass(frozen=True, slots=True)
class NilThreshold:
    """The least confidence that keeps a precision, as calibrated.

    Args:
        precision: least share of right answers among those given.
        confidence: below it the answer is NIL.
        answered: share of the calibration mentions that are answered.
    """

    precision: float
    confidence: float
    answered: float


@dataclass(frozen=True, slots=True)
class Confidence:
    """Logistic regression over Features, as plain numbers; fitted by `angel_hf.training.calibration`.

    Args:
        intercept: log-odds where all features are 0.
        weights: change of the log-odds for each unit of a feature.
        thresholds: by rising precision.
        fitted_on: the calibration data: benchmark, split and number of mentions.
    """

    intercept: float
    weights: Features
    thresholds: tuple[NilThreshold, ...] = ()
    fitted_on: str = ""

    def probability(self, linked: Linked, read_as: str | None = None) -> float:
        """The probability, between 0 and 1, that the first candidate is right; 0 without candidates.

        Args:
            linked: a mention with its candidates as `link` returns them.
            read_as: the linked text, where that is not the mention's surface: an abbreviation written out.
        """
        if not linked.candidates:
            return 0.0
        values = features(linked, read_as)
        log_odds = self.intercept + sum(
            getattr(self.weights, name) * getattr(values, name) for name in Features.__dataclass_fields__
        )
        return 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0

    def threshold(self, precision: float) -> float:
        """The confidence below which an answer is NIL, for a precision.

        Raises:
            ValueError: the precision is none of those stored.
        """
        for stored in self.thresholds:
            if math.isclose(stored.precision, precision):
                return stored.confidence
        known = ", ".join(f"{stored.precision:g}" for stored in self.thresholds) or "none: fit the model anew"
        raise ValueError(f"no threshold for a precision of {precision:g}; stored are {known}")

    def to_json(self) -> str:
        """The contents of `confidence.json`."""
        values = {"format": _FORMAT} | asdict(self)
        return json.dumps(values | {"digest": json_digest(values)}, indent=2, allow_nan=False) + "\n"

    def save(self, directory: str | Path) -> Path:
        """Write `confidence.json` to a model's directory."""
        path = Path(directory) / CONFIDENCE_FILE
        write_text(path, self.to_json())
        return path

    @classmethod
    def load(cls, path: str | Path) -> Confidence:
        """Read what `save` wrote, from the file or its directory.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is of another format.
        """
        path = Path(path)
        path = path / CONFIDENCE_FILE if path.is_dir() else path
        try:
            return cls._from_json(parse_json(path.read_bytes()))
        except (ValueError, *UNFORESEEN) as error:
            raise ValueError(
                f"{path}: not {_FORMAT} ({what_stopped(error)}); fit it again with angel_hf.training.calibration"
            ) from None

    @classmethod
    def _from_json(cls, values: dict[str, Any]) -> Confidence:
        if values["format"] != _FORMAT:
            raise ValueError("another format")
        told = values.get("digest")  # missing in older files
        if told is not None and told != json_digest({key: value for key, value in values.items() if key != "digest"}):
            raise ValueError("its contents are not those that were saved, the file is damaged")
        known = {"format", "digest", *cls.__dataclass_fields__}
        if unknown := sorted(values.keys() - known):
            raise ValueError(f"unknown key {unknown[0]!r}")
        weights = {name: finite(f"weights.{name}", value) for name, value in values["weights"].items()}
        rows = [
            {name: finite(f"thresholds[{number}].{name}", value) for name, value in row.items()}
            for number, row in enumerate(values["thresholds"])
        ]
        if any(not 0 <= value <= 1 for row in rows for value in row.values()):
            raise ValueError("a threshold has a value outside of 0 to 1")
        if not isinstance(values["fitted_on"], str):
            raise ValueError("fitted_on is no text")
        thresholds = tuple(NilThreshold(**row) for row in rows)
        return cls(finite("intercept", values["intercept"]), Features(**weights), thresholds, values["fitted_on"])


def merge_candidates(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """One candidate a concept: a name whose concepts meet those of a better one is left out."""
    merged: list[Candidate] = []
    for candidate in candidates:
        if not any(_same_concept(candidate, better) for better in merged):
            merged.append(candidate)
    return tuple(merged)


def concept_shares(candidates: Sequence[Candidate]) -> list[float]:
    """For each of `merge_candidates`, the share of its names in the probabilities of all names; they sum to 1.

    Of merged candidates, these are the shares of the concepts' best names.
    """
    merged = merge_candidates(candidates)
    masses = [0.0] * len(merged)
    for candidate in candidates:
        owner = next(place for place, better in enumerate(merged) if _same_concept(candidate, better))
        masses[owner] += math.exp(candidate.score)
    total = sum(masses)
    return [mass / total if total else 1 / len(masses) for mass in masses]


def features(linked: Linked, read_as: str | None = None) -> Features:
    """The features of a mention that has candidates; see `Confidence.probability`."""
    merged = merge_candidates(linked.candidates)
    best = merged[0]
    margin = min(best.score - merged[1].score, _MOST_MARGIN) if len(merged) > 1 else _MOST_MARGIN
    surface = normalize(fold(linked.mention.surface if read_as is None else read_as), "lowercase-punctuation")
    name = normalize(fold(best.name), "lowercase-punctuation")
    return Features(
        logprob=best.score,
        margin=margin,
        mass=concept_shares(linked.candidates)[0],
        exact=float(surface == name),
        similarity=_dice(surface, name),
    )


_MOST_MARGIN = 5.0


def _same_concept(left: Candidate, right: Candidate) -> bool:
    return not set(left.concept_ids).isdisjoint(right.concept_ids)


def _dice(left: str, right: str) -> float:
    """2 |A and B| / (|A| + |B|) over the trigrams of both strings, ends padded."""
    first, second = _trigrams(left), _trigrams(right)
    return 2 * len(first & second) / (len(first) + len(second))


def _trigrams(text: str) -> set[str]:
    padded = f"  {text} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)}
