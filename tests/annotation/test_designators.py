"""Lists of numbers and letters after a name are one mention with it."""

import pytest

from angel_hf.annotation import DictionaryDetector
from angel_hf.annotation.designators import list_end

NAMES = DictionaryDetector(
    [
        *(f"spinal fever type {number}" for number in (1, 2, 3, 4)),
        "hepatitis A",
        "hepatitis B",
        "hepatitis C",
        "porphyria group I",
        "porphyria group II",
        "porphyria group IV",
        "gout",
        "type 1 diabetes",
        "type 2 diabetes",
        "type 2 diabetes mellitus",
        "factor V deficiency",
        "factor VIII deficiency",
    ]
)


def detected(text):
    return [mention.surface for mention in NAMES.detect([text])[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("of spinal fever types 1, 2 and 3; it", ["spinal fever types 1, 2 and 3"]),
        ("Spinal fever types 1, 2, and 3 were", ["Spinal fever types 1, 2, and 3"]),
        ("spinal fever type 1 and type 2", ["spinal fever type 1 and type 2"]),
        ("spinal fever type 1 or 4.", ["spinal fever type 1 or 4"]),
        ("spinal fever types 1-3, gout", ["spinal fever types 1-3", "gout"]),
        ("spinal fever types 1 to 3", ["spinal fever types 1 to 3"]),
        ("hepatitis B and C virus", ["hepatitis B and C"]),
        ("hepatitis A/B", ["hepatitis A/B"]),
        ("sporadic porphyria groups I, II & IV", ["sporadic porphyria groups I, II & IV"]),
        # Before the shared words.
        ("a type 1 and 2 diabetes", ["type 1 and 2 diabetes"]),
        ("type I or II diabetes, gout", ["type I or II diabetes", "gout"]),
        ("types 1/2 diabetes mellitus", ["types 1/2 diabetes"]),
        ("combined factor V and VIII deficiency", ["factor V and VIII deficiency"]),
        ("type 1 and 3 diabetes", []),
        ("type 1 and 2", []),
        # What follows is of another kind, no name, or counts something else.
        ("spinal fever type 1, 2 patients", ["spinal fever type 1"]),
        ("spinal fever type 1 and 9", ["spinal fever type 1"]),
        ("spinal fever type 1 and 2.5 mg", ["spinal fever type 1"]),
        ("spinal fever type 1 and 2-year", ["spinal fever type 1"]),
        ("spinal fever type 1 and II", ["spinal fever type 1"]),
        ("hepatitis A and B12", ["hepatitis A"]),
        ("hepatitis A. B", ["hepatitis A"]),
        ("hepatitis A and I think", ["hepatitis A"]),
        ("gout 1 and 2", ["gout"]),
        ("spinal fever type 1, 2, gout and 3", ["spinal fever type 1", "gout"]),
    ],
)
def test_lists_of_designators(text, expected):
    assert detected(text) == expected


def test_the_work_for_one_name_is_bounded():
    text = "spinal fever type 1" + ", 2" * 10_000 + " and 3"
    looked_up = []
    end = list_end(text, 0, 19, lambda name: looked_up.append(name) or True)
    assert (end, len(looked_up) <= 40) == (19, True)
