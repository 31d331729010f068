from collections.abc import Collection, Sequence

import evaluate
import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, Qrel, ScoredDoc, Success
from sklearn.calibration import calibration_curve

from eval_harness.metrics import METRICS_FOLDER
from eval_harness.metrics.entity_linking.ranks import (
    accuracy_at,
    accuracy_over_groups_at,
    average_precision,
    first_right,
    mean_reciprocal_rank,
)
from eval_harness.metrics.linking_calibration.confidence import (
    area_under_risk_coverage,
    calibration_bins,
    expected_calibration_error,
    risk_coverage,
)
from eval_harness.metrics.linking_hierarchy.relations import relation

RANKS = [1, 1, 2, None, 5, 6, 1, None]


@pytest.mark.parametrize(("k", "percent"), [(1, 37.5), (2, 50.0), (4, 50.0), (5, 62.5), (6, 75.0), (10, 75.0)])
def test_accuracy_counts_mentions_answered_rightly_within_the_first_k(k: int, percent: float) -> None:
    assert accuracy_at(k, RANKS) == percent


def test_every_group_weighs_the_same_however_large() -> None:
    ranks = [1, 1, 1, None, None, 2]
    groups = ["a", "a", "a", "a", "b", "c"]
    assert accuracy_over_groups_at(1, ranks, groups) == pytest.approx(100 * (3 / 4 + 0 + 0) / 3)
    assert accuracy_over_groups_at(2, ranks, groups) == pytest.approx(100 * (3 / 4 + 0 + 1) / 3)


def test_reciprocal_rank_and_average_precision_by_hand() -> None:
    assert mean_reciprocal_rank(RANKS) == pytest.approx(100 * (1 + 1 + 1 / 2 + 1 / 5 + 1 / 6 + 1) / 8)
    ranking = [["x"], ["a"], ["y"], ["b"]]
    assert first_right(ranking, ["b", "a"]) == 2
    assert average_precision(ranking, ["a", "b"]) == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert average_precision(ranking, ["a", "missing"]) == pytest.approx((1 / 2) / 2)
    assert average_precision([["a", "b"]], ["a", "b"]) == 1
    assert average_precision([["a"], ["a"], ["b"]], ["a", "b"]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([], ["a"]) == average_precision(ranking, []) == 0


def test_no_mentions_is_an_error_and_not_zero() -> None:
    for metric in (lambda: accuracy_at(1, []), lambda: mean_reciprocal_rank([]), lambda: risk_coverage([], [])):
        with pytest.raises(ValueError, match="expected"):
            metric()


def test_ranks_and_groups_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="zip"):
        accuracy_over_groups_at(1, [1, 2], ["a"])


CONCEPTS = st.sampled_from("abcdef")
MENTION = st.tuples(st.lists(CONCEPTS, unique=True, max_size=6), st.sets(CONCEPTS, min_size=1, max_size=2))


@settings(max_examples=30, deadline=None)
@given(st.lists(MENTION, min_size=1, max_size=5))
def test_a_second_library_agrees(mentions: Sequence[tuple[list[str], Collection[str]]]) -> None:
    # ir_measures leaves a query without answers out of its mean, hence sums over what it returns.
    qrels = [Qrel(str(one), concept, 1) for one, (_, gold) in enumerate(mentions) for concept in gold]
    run = [
        ScoredDoc(str(one), concept, -float(place))
        for one, (ranking, _) in enumerate(mentions)
        for place, concept in enumerate(ranking)
    ]
    totals = dict.fromkeys([Success @ 1, Success @ 3, RR, AP], 0.0)
    for found in ir_measures.iter_calc(list(totals), qrels, run) if run else ():
        totals[found.measure] += found.value
    candidates = [[[concept] for concept in ranking] for ranking, _ in mentions]
    ranks = [first_right(ranking, gold) for ranking, (_, gold) in zip(candidates, mentions)]
    precisions = [average_precision(ranking, gold) for ranking, (_, gold) in zip(candidates, mentions)]
    expected = {measure: 100 * total / len(mentions) for measure, total in totals.items()}
    assert accuracy_at(1, ranks) == pytest.approx(expected[Success @ 1])
    assert accuracy_at(3, ranks) == pytest.approx(expected[Success @ 3])
    assert mean_reciprocal_rank(ranks) == pytest.approx(expected[RR])
    assert 100 * np.mean(precisions) == pytest.approx(expected[AP])


def test_calibration_by_hand() -> None:
    confidences, right = [0.95, 0.95, 0.55, 0.5, 0.0, 1.0], [True, False, True, False, False, True]
    # Bins [0, .1): 0 of 1 at 0; [.5, .6): 1 of 2 at .525; [.9, 1]: 2 of 3 at 2.9 / 3.
    by_hand = (1 * 0 + 2 * abs(0.525 - 0.5) + 3 * abs(2.9 / 3 - 2 / 3)) / 6
    assert expected_calibration_error(confidences, right) == pytest.approx(100 * by_hand)
    assert [one.mentions for one in calibration_bins(confidences, right)] == [1, 2, 3]
    with pytest.raises(ValueError, match="confidences from -1 to 0"):
        expected_calibration_error([-1, 0], [True, True])


def test_scikit_learn_draws_the_same_calibration_curve() -> None:
    generator = np.random.default_rng(3)
    confidences = generator.random(500)
    right = generator.random(500) < confidences**2
    accuracy, confidence = calibration_curve(right, confidences, n_bins=10)
    bins = calibration_bins(confidences.tolist(), right.tolist())
    assert [one.accuracy for one in bins] == pytest.approx(accuracy.tolist())
    assert [one.confidence for one in bins] == pytest.approx(confidence.tolist())


def test_risk_and_coverage_by_hand() -> None:
    confidences, right = [0.1, 0.9, 0.8, 0.8], [True, True, False, True]
    coverage, risk = risk_coverage(confidences, right)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    # The two at .8 are taken in no order: each is half wrong.
    assert risk.tolist() == pytest.approx([0, 0.5 / 2, 1 / 3, 1 / 4])
    assert area_under_risk_coverage(confidences, right) == pytest.approx(100 * (0 + 1 / 4 + 1 / 3 + 1 / 4) / 4)


PARENTS = {"viral": ["pneumonia"], "bacterial": ["pneumonia"], "pneumonia": ["lung"], "asthma": ["lung"]}


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        (["viral"], ["viral", "asthma"], "exact"),
        (["pneumonia"], ["viral"], "parent"),
        (["viral"], ["pneumonia"], "child"),
        (["viral"], ["bacterial"], "sibling"),
        (["viral"], ["asthma"], "none"),
        (["lung"], ["lung-unknown"], "none"),
        ([], ["viral"], "none"),
    ],
)
def test_an_answer_is_exact_or_near_or_neither(answer: list[str], gold: list[str], expected: str) -> None:
    assert relation(answer, gold, PARENTS) == expected


def test_evaluate_loads_the_metrics_from_their_folders() -> None:
    linking = evaluate.load(str(METRICS_FOLDER / "entity_linking"))
    scores = linking.compute(
        predictions=[[["D1"]], [["D3"], ["D2"]], []], references=[["D1"], ["D2"], ["D9"]], ks=[1, 5]
    )
    assert scores == pytest.approx(
        {
            "accuracy_at_1": 100 / 3,
            "accuracy_at_5": 200 / 3,
            "mean_reciprocal_rank": 50.0,
            "mean_average_precision": 50.0,
            "macro_accuracy_at_1": 100 / 3,
        }
    )
    calibration = evaluate.load(str(METRICS_FOLDER / "linking_calibration"))
    assert calibration.compute(predictions=[0.1, 0.9, 0.8, 0.8], references=[1, 1, 0, 1]) == pytest.approx(
        {
            "expected_calibration_error": 100 * (1 * 0.9 + 1 * 0.1 + 2 * 0.3) / 4,
            "area_under_risk_coverage": 100 * (1 / 4 + 1 / 3 + 1 / 4) / 4,
        }
    )
    hierarchy = evaluate.load(str(METRICS_FOLDER / "linking_hierarchy"))
    found = hierarchy.compute(
        predictions=[["viral"], ["pneumonia"], []], references=[["viral"], ["viral"], ["asthma"]], parents=PARENTS
    )
    assert found == pytest.approx(
        {"exact": 100 / 3, "parent": 100 / 3, "child": 0, "sibling": 0, "none": 100 / 3, "relaxed_accuracy": 200 / 3}
    )
