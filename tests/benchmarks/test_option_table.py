"""The table of options has the medians of the runs, and names what the development set chose in each."""

import copy

from benchmarks.option_table import option_sections


def outcome(option: str, split: str, speed: float, proofs: dict | None = None) -> dict:
    interval = {"low": -0.75, "high": 0.25}
    return {
        "option": option, "split": split, "mentions": 960, "overall_speed": speed, "accuracy_at_1": 87.5,
        "difference": {"difference": -0.25, "interval": interval}, "proofs": proofs,
    }  # fmt: skip


PROOFS = {"proven": 900, "missed": 10, "missed_for_certain": 7, "beam_right": 4, "exact_right": 3}


def documents() -> list[dict]:
    first = {
        "model": "angel-mini", "protocol": "strict", "no_loss": "2 beams", "one_point": "2 beams",
        "outcomes": [
            outcome("2 beams", "dev", 9.0), outcome("2 beams", "test", 1.0), outcome("exact", "test", 0.25, PROOFS),
        ],
    }  # fmt: skip
    runs = [first, copy.deepcopy(first), copy.deepcopy(first)]
    runs[1]["outcomes"][1]["overall_speed"] = 3.0
    runs[2]["outcomes"][1]["overall_speed"] = 2.0
    runs[2]["no_loss"] = "exact"
    runs[2]["outcomes"].append(outcome("of one run", "test", 5.0))
    return runs


def test_speed_is_the_median_of_the_runs_and_an_option_of_one_run_is_left_out():
    _, table = option_sections(documents())
    assert table.splitlines()[2:] == [
        "| 2 beams | 2.00 | 1.00 to 3.00 | 87.5 | -0.25 | -0.75 to +0.25 |",
        "| exact | 0.25 | 0.25 to 0.25 | 87.5 | -0.25 | -0.75 to +0.25 |",
    ]


def test_what_is_best_is_counted_and_what_the_beams_miss_is_told_with_what_is_not_proven():
    paragraph, _ = option_sections(documents())
    assert "Fastest at no loss, chosen on the development set: 2 beams (2 of 3 runs), exact (1 of 3 runs)." in paragraph
    assert "Fastest at a loss of 1 point, chosen on the development set: 2 beams (3 of 3 runs)." in paragraph
    assert "proven for 900 mentions, and 10 beams miss it for 7 of these; for 3 of the others" in paragraph
    assert "Of these 10 the beams' own name is right for 4 and the better one for 3." in paragraph
