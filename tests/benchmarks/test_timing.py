"""Times are taken in turns, and ratios are of speed."""

import pytest

from benchmarks.timing import Ratio, Timing, in_turns


def test_tasks_take_turns():
    order = []
    seconds = in_turns([lambda: order.append("ours"), lambda: order.append("theirs")], 3)
    assert order == ["ours", "theirs"] * 3
    assert [len(own) for own in seconds] == [3, 3]
    assert all(second >= 0 for own in seconds for second in own)


def test_rates_are_of_the_median_and_of_the_extremes():
    timing = Timing((2.0, 4.0, 10.0), work=40)
    assert (timing.median, timing.rate, timing.rates) == (4.0, 10.0, (4.0, 20.0))


def test_a_ratio_compares_speeds_and_not_seconds():
    """Ours does twice the work in the same time at first, and in twice the time then."""
    ratio = Ratio.of(Timing((1.0, 2.0), work=20), Timing((1.0, 1.0), work=10))
    assert (ratio.median, ratio.least, ratio.most) == (pytest.approx(4 / 3), 1.0, 2.0)


def test_pairs_must_be_pairs():
    with pytest.raises(ValueError, match="zip"):
        Ratio.of(Timing((1.0,)), Timing((1.0, 2.0)))
