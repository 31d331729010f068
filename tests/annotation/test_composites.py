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


def test_parts_stand_where_the_whole_stood():
    text = "with breast and ovarian cancer here"
    first, second = split_composite(Mention(text, 5, 30), NAMES.is_name)
    assert (first.text, first.start) == ("with breast cancer here", 5)
    assert (second.text, second.surface) == ("with ovarian cancer here", "ovarian cancer")
