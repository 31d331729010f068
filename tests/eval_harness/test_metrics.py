import pytest

from eval_harness.metrics import accuracy_at, accuracy_over_groups_at

RANKS = [1, 1, 2, None, 5, 6, 1, None]


@pytest.mark.parametrize(("k", "percent"), [(1, 37.5), (2, 50.0), (4, 50.0), (5, 62.5), (6, 75.0), (10, 75.0)])
def test_accuracy_counts_mentions_answered_rightly_within_the_first_k(k: int, percent: float) -> None:
    assert accuracy_at(k, RANKS) == percent


def test_every_group_weighs_the_same_however_large() -> None:
    ranks = [1, 1, 1, None, None, 2]
    groups = ["a", "a", "a", "a", "b", "c"]
    assert accuracy_over_groups_at(1, ranks, groups) == pytest.approx(100 * (3 / 4 + 0 + 0) / 3)
    assert accuracy_over_groups_at(2, ranks, groups) == pytest.approx(100 * (3 / 4 + 0 + 1) / 3)


def test_no_mentions_is_an_error_and_not_zero() -> None:
    with pytest.raises(ValueError, match="no mentions to score"):
        accuracy_at(1, [])


def test_ranks_and_groups_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="zip"):
        accuracy_over_groups_at(1, [1, 2], ["a"])
