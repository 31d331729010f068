"""Mentions with their abbreviations written out."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.annotation import Abbreviation, expand_abbreviations
from angel_hf.annotation.expansion import Definitions
from angel_hf.types import Mention


def expanded(text, surface, occurrence=0):
    start = -1
    for _ in range(occurrence + 1):
        start = text.index(surface, start + 1)
    return expand_abbreviations([Mention(text, start, start + len(surface))])[0].surface


def test_a_later_short_form_is_written_out_and_its_text_kept():
    text = "Wilson disease (WD) is rare. The WD gene."
    mention = Mention(text, 33, 35)
    (result,) = expand_abbreviations([mention])
    assert mention.surface == "WD"
    assert result.surface == "Wilson disease"
    assert (result.start, result.text) == (33, "Wilson disease (WD) is rare. The Wilson disease gene.")


@pytest.mark.parametrize(
    ("text", "surface", "occurrence", "expected"),
    [
        ("WD genes. Wilson disease (WD)", "WD", 0, "Wilson disease"),  # a title before the definition
        ("Wilson disease (WD), sporadic WD", "sporadic WD", 0, "sporadic Wilson disease"),
        ("Wilson disease (WD), WD-like illness", "WD-like illness", 0, "Wilson disease-like illness"),
        ("Wilson disease (WD), the WDX gene", "WDX", 0, "WDX"),
        ("Wilson disease (WD), in wd it", "wd", 0, "wd"),
        ("ventricular septal defect (VSD). VSDs", "VSDs", 0, "ventricular septal defects"),
        ("ventricular septal defects (VSDs). VSDs", "VSDs", 1, "ventricular septal defects"),
        ("Wilson disease (WD)", "Wilson disease (WD)", 0, "Wilson disease"),
        ("Wilson disease (WD) carriers", "Wilson disease (WD) carriers", 0, "Wilson disease carriers"),
        ("Wilson disease (WD)", "Wilson disease", 0, "Wilson disease"),
        ("Colon cancer (CC) or cervical cancer (CC). CC", "CC", 2, "cervical cancer"),
        ("Colon cancer (CC), CC or cervical cancer (CC)", "CC", 1, "Colon cancer"),
    ],
)
def test_mentions_written_out(text, surface, occurrence, expected):
    assert expanded(text, surface, occurrence) == expected


def test_a_mention_without_abbreviation_comes_back_as_it_is():
    mention = Mention("Wilson disease (WD) and gout.", 24, 28)
    assert expand_abbreviations([mention])[0] is mention


@pytest.mark.parametrize(
    ("text", "surface", "occurrence", "expected"),
    [
        # The bracket of a definition goes with its remarks, whichever of the two stands in it.
        (
            "Wilson disease (WD; OMIM 277900) carriers",
            "Wilson disease (WD; OMIM 277900) carriers",
            0,
            "Wilson disease carriers",
        ),
        ("Wilson disease (WD [MIM 277900])", "Wilson disease (WD [MIM 277900])", 0, "Wilson disease"),
        ("WD (Wilson disease) carriers", "WD (Wilson disease) carriers", 0, "Wilson disease carriers"),
        (
            "Wilson disease (WD) and Menkes disease (MD)",
            "Wilson disease (WD) and Menkes disease (MD)",
            0,
            "Wilson disease and Menkes disease",
        ),
        # Half of a definition stays as it is.
        ("Wilson disease (WD) carriers", "disease (WD) carriers", 0, "disease (Wilson disease) carriers"),
        # Singular and plural.
        ("ventricular septal defects (VSDs). A VSD", "VSD", 1, "ventricular septal defects"),
        ("spinal muscular atrophy (SMA). SMAs", "SMAs", 0, "spinal muscular atrophies"),
        ("odd day (ODy). ODys", "ODys", 0, "odd days"),
    ],
)
def test_definitions_in_a_mention_and_plurals(text, surface, occurrence, expected):
    assert expanded(text, surface, occurrence) == expected


def abbreviation(short, at):
    return Abbreviation(short, f"long {short} {at}", at, at + len(short), at - 9, at - 2, at - 1, at + len(short) + 1)


@given(
    st.lists(st.sampled_from(["AB", "ABs", "A-B", "AB C", "BA", "ABC"]), max_size=6).map(
        lambda shorts: [abbreviation(short, 20 * place) for place, short in enumerate(shorts)]
    ),
    st.text(alphabet="ABCs -_1é", max_size=30),
    st.integers(0, 130),
)
def test_short_forms_are_found_as_one_pattern_of_them_all_finds_them(definitions, text, place):
    """The pattern, whose time grows with the number of short forms, is how they could be found as well."""
    shorts = {one.short for one in definitions} | {"AB" for one in definitions if one.short == "ABs"}
    any_short = "|".join(map(re.escape, sorted(shorts, key=len, reverse=True))) or "(?!)"
    found = Definitions(definitions)
    assert list(found.occurrences(text)) == [
        (*match.span(), match[1]) for match in re.finditer(rf"(?<!\w)({any_short})s?(?!\w)", text)
    ]
    for short in {one.short for one in definitions}:
        own = [one for one in definitions if one.short == short]
        before = [one for one in own if one.short_start < place]
        assert found.at(short, place) == (before[-1] if before else own[0])


def test_mentions_of_a_long_text_do_not_copy_it():
    text = "Wilson disease (WD) is rare. " + "The WD gene. " * 40_000
    mentions = [Mention(text, found.start(), found.end()) for found in re.finditer(r"(?<=The )WD", text)][::100]
    written_out = expand_abbreviations(mentions)
    assert {one.surface for one in written_out} == {"Wilson disease"}
    assert max(len(one.text) for one in written_out) < 9_000 < len(text) / 50
    for before, after in zip(mentions, written_out):
        assert before.text[: before.start].endswith(after.text[: after.start])
        assert before.text[before.end :].startswith(after.text[after.end :])


def test_wide_white_space_in_a_mention_takes_no_time():
    wide = " " * 100_000  # searched anew from each of its places it would take a minute
    text = f"gout{wide}of Wilson disease (WD)"
    start = time.process_time()
    assert expanded(text, text) == f"gout{wide}of Wilson disease"
    assert time.process_time() - start < 2
