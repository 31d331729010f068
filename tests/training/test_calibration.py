"""Fitting confidence: on data whose truth is known, and against scikit-learn's own predictions."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from angel_hf import AngelForEntityLinking
from angel_hf.ranking.confidence import features
from angel_hf.training import calibration
from angel_hf.training.calibration import Answer, answers, fit, main, measure, reliability
from angel_hf.types import Candidate, Linked, Mention
from tests.conftest import FULL

RESULTS = Path(__file__).parents[2] / "results"


def synthetic(count, seed):
    """Answers that are right with a probability that rises with the name's log-probability."""
    rng = np.random.default_rng(seed)
    found = []
    for logprob in rng.uniform(-4, 0, count):
        names = (Candidate("gout", ("D1",), float(logprob)), Candidate("ataxia", ("D2",), float(logprob) - 1.0))
        right = rng.random() < 1 / (1 + np.exp(-(2 * logprob + 3)))
        found.append(Answer(Linked(Mention("ataxia", 0, 6), names), bool(right)))
    return found


def test_the_stored_numbers_predict_what_scikit_learn_predicts():
    given = synthetic(300, seed=1)
    values = np.array([[getattr(features(answer.linked), name) for name in NAMES] for answer in given])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(values, [answer.is_right for answer in given])
    confidence = fit(given, "synthetic")
    np.testing.assert_allclose(
        [confidence.probability(answer.linked) for answer in given], model.predict_proba(values)[:, 1], atol=1e-9
    )


NAMES = ("logprob", "margin", "mass", "exact", "similarity")


def test_on_new_data_the_confidence_is_calibrated_and_better_than_the_raw_probability():
    measured = measure(fit(synthetic(2000, seed=1), "synthetic"), synthetic(2000, seed=2))
    assert measured["confidence"]["calibration_error"] < 0.04
    assert measured["confidence"]["brier"] < measured["raw_probability"]["brier"]


def test_thresholds_keep_their_precision_on_the_data_of_the_fit():
    given = synthetic(500, seed=3)
    confidence = fit(given, "synthetic", precisions=(0.8, 0.9))
    for threshold in confidence.thresholds:
        kept = [answer for answer in given if confidence.probability(answer.linked) >= threshold.confidence]
        assert sum(answer.is_right for answer in kept) >= threshold.precision * len(kept)
        assert len(kept) == round(threshold.answered * len(given))


def test_a_precision_that_no_threshold_reaches_is_left_out():
    given = [Answer(answer.linked, place % 2 == 0) for place, answer in enumerate([synthetic(1, 0)[0]] * 10)]
    assert fit(given, "coin", precisions=(0.9,)).thresholds == ()


def test_reliability_by_hand():
    # Bins 0.0-0.1 with one miss at 0.05, and 0.9-1.0 with a hit and a miss at 0.95.
    found = reliability([0.05, 0.95, 0.95], [False, True, False])
    assert found.calibration_error == pytest.approx((0.05 + abs(1.9 - 1)) / 3)
    assert found.brier == pytest.approx((0.05**2 + 0.05**2 + 0.95**2) / 3)


def _is_calibrated(measured):
    """What is promised of the shipped model's confidence."""
    return measured["confidence"]["calibration_error"] <= min(0.05, measured["raw_probability"]["calibration_error"])


def test_the_shipped_report_keeps_what_is_promised():
    measured = json.loads((RESULTS / "ncbi-confidence.json").read_text())["test"]
    assert measured["mentions"] == 960 and _is_calibrated(measured)


@pytest.mark.slow
@pytest.mark.skipif(not (FULL / "data").is_dir(), reason="the whole corpus is not here")
def test_the_shipped_confidence_is_calibrated_on_mentions_that_it_was_not_fitted_on():
    model = AngelForEntityLinking.from_pretrained("angel-mini").eval()
    given = answers(model, FULL / "data" / "ncbi_disease" / "NCBItestset_corpus.txt")
    measured = measure(model.confidence, given)
    assert measured["mentions"] == 960 and _is_calibrated(measured)
    shipped = json.loads((RESULTS / "ncbi-confidence.json").read_text())["test"]
    assert measured["confidence"]["calibration_error"] == pytest.approx(
        shipped["confidence"]["calibration_error"], abs=5e-3
    ), "the report is this model's"


def test_a_model_that_knows_the_answers_is_fitted_on_those_of_its_twin(tmp_path, monkeypatch):
    asked = []

    class Named:
        def __init__(self, path):
            self.name = path.name

        def eval(self):
            return self

    def answered(model, corpus):
        asked.append((model.name, corpus.name))
        return synthetic(300, seed=3)

    monkeypatch.setattr(calibration.AngelForEntityLinking, "from_pretrained", Named)
    monkeypatch.setattr(calibration, "answers", answered)
    for name in ("model", "twin"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    arguments = ["--model", str(tmp_path / "model"), "--corpus-dir", str(tmp_path), "--report", str(tmp_path / "r")]
    main([*arguments, "--twin", str(tmp_path / "twin")])
    assert asked == [("twin", "NCBIdevelopset_corpus.txt"), ("model", "NCBItestset_corpus.txt")]
    written = json.loads((tmp_path / "model" / "confidence.json").read_text(encoding="utf-8"))
    assert written["fitted_on"].endswith("300 mentions, answered by a twin that has not seen it")
    assert not (tmp_path / "twin" / "confidence.json").exists()
    asked.clear()
    main(arguments)
    assert [model for model, _ in asked] == ["model", "model"]


def test_answers_that_are_all_right_are_refused():
    with pytest.raises(ValueError, match="of 5 answers 5 are right; expected right and wrong ones"):
        fit([Answer(answer.linked, True) for answer in synthetic(5, 0)], "all right")


def test_no_outcomes_are_refused():
    with pytest.raises(ValueError, match="0 probabilities with 0 outcomes"):
        reliability([], [])
