"""Composite mentions taken apart."""

import pytest

from angel_hf.annotation import DictionaryDetector, split_composite
from angel_hf.types import Mention

NAMES = DictionaryDetector(
    [
        "breast cancer",
        "ovarian cancer",
        "brain cancer",
        "prostate cancer",
        "cancer of the breast",
        "cancer of the ovary",
        "Duchenne muscular dystrophy",
        "Becker muscular dystrophy",
        "ataxia type 1",
        "ataxia type 2",
        "cleft lip",
        "cleft palate",
        "anxiety disorder",
        "head and neck cancer",
        "neck cancer",
        "head cancer",
        "hereditary breast and ovarian cancer syndrome",
        "C6 deficiency",
        "C7 deficiency",
        "spinal fever type 1",
        "spinal fever type 2",
        "spinal fever type 3",
        "type 1 diabetes",
        "type 2 diabetes",
        "hypothyroidism",
        "hyperthyroidism",
        "alpha-thalassemia",
        "beta-thalassemia",
        "hepatitis A",
        "hepatitis B",
        "hepatitis C",
        "complementation group II",
        "complementation group III",
        "complementation group IV",
        "porphyria IIa",
        "porphyria IIb",
    ]
)


def parts(surface):
    return [part.surface for part in split_composite(Mention(surface, 0, len(surface)), NAMES.is_name)]


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ("breast and ovarian cancer", ["breast cancer", "ovarian cancer"]),
        ("breast and/or ovarian cancers", ["breast cancers", "ovarian cancers"]),
        ("breast/ovarian cancer", ["breast cancer", "ovarian cancer"]),
        ("brain, breast, and prostate cancer", ["brain cancer", "breast cancer", "prostate cancer"]),
        ("cancers of the breast and ovary", ["cancers of the breast", "cancers of the ovary"]),
        ("Duchenne or Becker muscular dystrophy", ["Duchenne muscular dystrophy", "Becker muscular dystrophy"]),
        ("ataxia type 1 and type 2", ["ataxia type 1", "ataxia type 2"]),
        ("cleft lip and palate", ["cleft lip", "cleft palate"]),
        ("breast cancer and cleft lip", ["breast cancer", "cleft lip"]),
        ("both breast and ovarian cancer", ["breast cancer", "ovarian cancer"]),
        ("neither breast nor ovarian cancer", ["breast cancer", "ovarian cancer"]),
        ("breast, brain as well as ovarian cancer", ["breast cancer", "brain cancer", "ovarian cancer"]),
        # What stands before a number or a letter is shared.
        ("spinal fever types 1, 2 and 3", ["spinal fever types 1", "spinal fever types 2", "spinal fever types 3"]),
        ("type 1 and type 2 diabetes", ["type 1 diabetes", "type 2 diabetes"]),
        ("type 1 and 2 diabetes", ["type 1 diabetes", "type 2 diabetes"]),
        ("hepatitis A, B or C", ["hepatitis A", "hepatitis B", "hepatitis C"]),
        ("porphyria IIa and b", ["porphyria IIa", "porphyria IIb"]),
        # Ranges, with what lies between their ends.
        ("spinal fever types 1-3", ["spinal fever types 1", "spinal fever types 2", "spinal fever types 3"]),
        ("spinal fever type 1 to 2", ["spinal fever type 1", "spinal fever type 2"]),
        ("hepatitis A-C", ["hepatitis A", "hepatitis B", "hepatitis C"]),
        (
            "complementation groups II–IV",
            ["complementation groups II", "complementation groups III", "complementation groups IV"],
        ),
        ("cleft lip 1-3", ["cleft lip 1-3"]),
        ("spinal fever type 3-1", ["spinal fever type 3-1"]),
        ("spinal fever type 1-400", ["spinal fever type 1-400"]),
        # A hyphen stands for the end of the last part.
        ("hypo- and hyperthyroidism", ["hypothyroidism", "hyperthyroidism"]),
        ("alpha- or beta-thalassemia", ["alpha-thalassemia", "beta-thalassemia"]),
        # A name is never taken apart, nor what has no known part, nor what names a syndrome.
        ("head and neck cancer", ["head and neck cancer"]),
        ("fever and chills", ["fever and chills"]),
        ("hereditary breast and ovarian cancer", ["hereditary breast and ovarian cancer"]),
        ("breast cancer", ["breast cancer"]),
        ("/", ["/"]),
    ],
)
def test_parts(surface, expected):
    assert parts(surface) == expected


@pytest.mark.parametrize(
    ("surface", "expected"),
    [("SCA1, 2 and 6", ["SCA1", "SCA2", "SCA6"]), ("SCA1/2", ["SCA1", "SCA2"]), ("SCA1-2", ["SCA1-2"])],
)
def test_a_number_may_stand_in_a_word(surface, expected):
    """Known to whoever knows abbreviations with numbers; the dictionary takes them for genes."""
    found = split_composite(Mention(surface, 0, len(surface)), {"SCA1", "SCA2", "SCA6"}.__contains__)
    assert [part.surface for part in found] == expected


def test_parts_stand_where_the_whole_stood():
    text = "with breast and ovarian cancer here"
    first, second = split_composite(Mention(text, 5, 30), NAMES.is_name)
    assert (first.text, first.start) == ("with breast cancer here", 5)
    assert (second.text, second.surface) == ("with ovarian cancer here", "ovarian cancer")


@pytest.mark.parametrize(
    "surface",
    [
        "a and " * 20 + "b",
        "and " * 1_200 + "b",
        "breast and " * 10_000 + "ovarian cancer",
        "of " * 150 + "and b",
        "hypo- and " * 39 + "h" * 100,
        "a " * 100 + "and" + " b" * 100,
        "1-9, " * 39 + "and 1-9",
        "a" + " " * 100_000 + "and b",
    ],
)
def test_the_names_that_are_looked_up_for_one_mention_are_few(surface):
    """As many as its words do not count: a visitor of a page may mark anything."""
    looked_up = []
    split_composite(Mention(surface, 0, len(surface)), lambda name: bool(looked_up.append(name)))
    assert len(looked_up) <= 2 + 40 * (8 * 5 + 60)
    assert sum(map(len, looked_up)) < 500_000


def test_a_list_of_twenty_diseases_is_taken_apart():
    organs = [f"organ{place}" for place in range(20)]
    known = DictionaryDetector(f"{organ} cancer" for organ in organs)
    surface = f"{', '.join(organs[:-1])}, and {organs[-1]} cancer"
    found = split_composite(Mention(surface, 0, len(surface)), known.is_name)
    assert [part.surface for part in found] == [f"{organ} cancer" for organ in organs]
