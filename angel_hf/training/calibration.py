"""Fit the confidence of a model on annotated mentions, and measure it on others.

    python -m angel_hf.training.calibration --model DIR --corpus-dir DIR [--twin DIR] [--report FILE]

fits on the development set of the NCBI-disease corpus, writes `confidence.json` into the model's directory, and
with `--report` measures on the test set. The mentions are the annotated ones, abbreviations written out. For a model
that has learned from the development set, the answers come from a twin, trained by the same recipe without it.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from angel_hf import AngelForEntityLinking
from angel_hf.annotation import expand_abbreviations
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.jobs.text_file import write_json
from angel_hf.ranking.confidence import Confidence, Features, NilThreshold, features
from angel_hf.types import Linked, Mention

PRECISIONS = (0.85, 0.9, 0.95)
"""Precisions for which a threshold is stored."""

_BINS = 10
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer to an annotated mention."""

    linked: Linked
    is_right: bool


@dataclass(frozen=True, slots=True)
class Reliability:
    """Agreement of probabilities with the share of right answers; all values between 0 and 1.

    Args:
        calibration_error: expected calibration error over ten bins of equal width.
        brier: mean squared difference between probability and outcome.
    """

    calibration_error: float
    brier: float


def answers(model: AngelForEntityLinking, corpus: Path) -> list[Answer]:
    """Link every annotated mention of a PubTator file; any concept of any part of its identifier counts as right."""
    knowledge_base = model.knowledge_base
    assert knowledge_base is not None, "a model to calibrate has a knowledge base"
    mentions, gold = [], []
    for document in read_pubtator(corpus):
        for annotation in document.annotations:
            ids = (annotation.identifier or "").replace("+", "|").split("|")
            stripped = [concept_id.strip().removeprefix("MESH:") for concept_id in ids]
            gold.append({knowledge_base.resolve(concept_id) or concept_id for concept_id in stripped})
            mentions.append(Mention(document.text, annotation.start, annotation.end))
    found = model.link(expand_abbreviations(mentions))
    return [
        Answer(linked, linked.best is not None and not ids.isdisjoint(linked.best.concept_ids))
        for linked, ids in zip(found, gold)
    ]


def fit(given: Sequence[Answer], fitted_on: str, precisions: Sequence[float] = PRECISIONS) -> Confidence:
    """Logistic regression of correctness on the features; an answer without candidates is left out.

    Raises:
        ValueError: all answers are right, or all are wrong.
    """
    usable = [answer for answer in given if answer.linked.candidates]
    right = np.array([answer.is_right for answer in usable])
    if len(set(right.tolist())) < 2:
        raise ValueError(
            f"of {len(usable)} answers {int(right.sum())} are right; expected right and wrong ones: fit on data that "
            "the model was not trained on"
        )
    values = np.array([astuple(features(answer.linked)) for answer in usable])
    scaler = StandardScaler().fit(values)
    regression = LogisticRegression(C=1.0).fit(scaler.transform(values), right)
    weights = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - weights @ scaler.mean_)
    fitted = Confidence(intercept, Features(*weights.tolist()), (), fitted_on)
    probabilities = np.array([fitted.probability(answer.linked) for answer in given])
    outcomes = np.array([answer.is_right for answer in given])
    found = (_nil_threshold(probabilities, outcomes, precision) for precision in precisions)
    return Confidence(intercept, fitted.weights, tuple(filter(None, found)), fitted_on)


def _nil_threshold(probabilities: np.ndarray, outcomes: np.ndarray, precision: float) -> NilThreshold | None:
    """The lowest confidence at and above which the precision is reached, or None."""
    order = np.argsort(-probabilities, kind="stable")
    ordered = probabilities[order]
    precisions = np.cumsum(outcomes[order]) / np.arange(1, len(order) + 1)
    last_of_equals = np.append(ordered[1:] != ordered[:-1], True)
    enough = np.flatnonzero((precisions >= precision) & last_of_equals)
    if len(enough) == 0:
        return None
    last = int(enough[-1])
    return NilThreshold(precision, float(ordered[last]), (last + 1) / len(order))


def reliability(probabilities: Sequence[float], outcomes: Sequence[bool]) -> Reliability:
    """Expected calibration error (Naeini et al., AAAI 2015) and Brier score.

    Raises:
        ValueError: there are no outcomes, or their number differs from that of the probabilities.
    """
    values, hits = np.asarray(probabilities, dtype=float), np.asarray(outcomes, dtype=float)
    if len(values) == 0 or len(values) != len(hits):
        raise ValueError(f"{len(values)} probabilities with {len(hits)} outcomes; expected as many, at least one")
    bins = np.minimum((values * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=values - hits, minlength=_BINS)
    return Reliability(float(np.abs(gaps).sum() / len(values)), float(np.mean((values - hits) ** 2)))


def measure(confidence: Confidence, given: Sequence[Answer]) -> dict[str, object]:
    """A report on answers unseen by the fit, beside the model's own probability of the name."""
    outcomes = [answer.is_right for answer in given]
    raw = [np.exp(answer.linked.best.score) if answer.linked.best else 0.0 for answer in given]
    fitted = [confidence.probability(answer.linked) for answer in given]
    kept = {}
    for threshold in confidence.thresholds:
        hits = [right for right, value in zip(outcomes, fitted) if value >= threshold.confidence]
        kept[f"{threshold.precision:g}"] = {
            "precision": sum(hits) / max(1, len(hits)),
            "answered": len(hits) / len(given),
        }
    return {
        "mentions": len(given),
        "right": sum(outcomes) / len(given),
        "confidence": asdict(reliability(fitted, outcomes)),
        "raw_probability": asdict(reliability(raw, outcomes)),
        "nil": kept,
    }


def calibrate(model_dir: Path, corpus_dir: Path, report: Path | None, twin_dir: Path | None = None) -> None:
    """Fit on the development set, store beside the model, and measure on the test set if `report` is given.

    Args:
        model_dir: the model, which gets the confidence.
        corpus_dir: the corpus.
        report: file for the measurements.
        twin_dir: the model that answers the development set; None for the same one.
    """
    model = AngelForEntityLinking.from_pretrained(model_dir).eval()
    twin = model if twin_dir is None else AngelForEntityLinking.from_pretrained(twin_dir).eval()
    development = answers(twin, corpus_dir / "NCBIdevelopset_corpus.txt")
    fitted_on = f"NCBI-disease development set, {len(development)} mentions"
    confidence = fit(development, fitted_on + ("" if twin_dir is None else ", answered by a twin that has not seen it"))
    path = confidence.save(model_dir)
    _logger.info("wrote %s", path)
    if report is not None:
        results = {
            "development": measure(confidence, development),
            "test": measure(confidence, answers(model, corpus_dir / "NCBItestset_corpus.txt")),
        }
        write_json(report, results)
        _logger.info("wrote %s:\n%s", report, json.dumps(results["test"], indent=2))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fit a model's confidence on the NCBI-disease development set.")
    parser.add_argument("--model", type=Path, required=True, help="directory of the model, which gets confidence.json")
    parser.add_argument("--corpus-dir", type=Path, required=True, help="holds NCBI{develop,test}set_corpus.txt")
    parser.add_argument("--twin", type=Path, help="of the same recipe, without the development set: fit on its answers")
    parser.add_argument("--report", type=Path, help="measure on the test set and write the numbers here, as JSON")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    calibrate(options.model, options.corpus_dir, options.report, options.twin)


if __name__ == "__main__":
    main()
