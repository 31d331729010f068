"""Times are taken in turns, and ratios are of speed."""

import pytest

from benchmarks.timing import Ratio, Timing, in_turns, in_turns_by_blocks


def test_tasks_take_turns():
    order = []
    seconds = in_turns([lambda: order.append("ours"), lambda: order.append("theirs")], 3)
    assert order == ["ours", "theirs"] * 3
    assert [len(own) for own in seconds] == [3, 3]
    assert all(second >= 0 for own in seconds for second in own)


def test_a_ratio_is_of_pairs_whatever_the_speed_of_the_machine_does_between_them():
    """Three times as fast throughout, on a machine whose speed halves for one pair and doubles for another."""
    ratio = Ratio.of(Timing((1.0, 2.0, 0.5)), Timing((3.0, 6.0, 1.5)))
    assert (ratio.median, ratio.least, ratio.most) == (3.0, 3.0, 3.0)


def test_tasks_take_turns_within_a_repeat(monkeypatch):
    """The clock counts what was done: one second a piece of work for ours, two for theirs."""
    now, order = [0.0], []

    def task(name, seconds):
        def do(which):
            order.append((name, which.start, which.stop))
            now[0] += seconds * (which.stop - which.start)

        return do

    monkeypatch.setattr("benchmarks.timing.time.process_time", lambda: now[0])
    found = in_turns_by_blocks([task("ours", 1), task("theirs", 2)], 5, 2, 2)
    assert found == [(5.0, 5.0), (10.0, 10.0)]
    blocks = [(0, 2), (2, 4), (4, 5)]
    assert order == [(name, *block) for block in blocks for name in ("ours", "theirs")] * 2


def test_rates_are_of_the_median_and_of_the_extremes():
    timing = Timing((2.0, 4.0, 10.0), work=40)
    assert (timing.median, timing.rate, timing.rates) == (4.0, 10.0, (4.0, 20.0))


def test_a_ratio_compares_speeds_and_not_seconds():
    """Ours does twice the work in the same time at first, and in twice the time then."""
    ratio = Ratio.of(Timing((1.0, 2.0), work=20), Timing((1.0, 1.0), work=10))
    assert (ratio.median, ratio.least, ratio.most) == (1.5, 1.0, 2.0)


def test_pairs_must_be_pairs():
    with pytest.raises(ValueError, match="zip"):
        Ratio.of(Timing((1.0,)), Timing((1.0, 2.0)))
