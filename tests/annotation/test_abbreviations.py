"""Definitions of abbreviations, and mentions written out by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.annotation import abbreviations, expand_abbreviations, find_abbreviations
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.types import Mention


def pairs(text):
    return [(found.short, found.long) for found in find_abbreviations(text)]


def expanded(text, surface, occurrence=0):
    start = -1
    for _ in range(occurrence + 1):
        start = text.index(surface, start + 1)
    return expand_abbreviations([Mention(text, start, start + len(surface))])[0].surface


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The examples of the paper.
        ("heat shock transcription factor (HSF)", [("HSF", "heat shock transcription factor")]),
        ("we used heat shock protein (HSP) here", [("HSP", "heat shock protein")]),
        ("Gcn5-related N-acetyltransferase (GNAT)", [("GNAT", "Gcn5-related N-acetyltransferase")]),
        # The first letter of the short form starts a word of the long form, the others need not.
        ("the adenomatous polyposis coli (APC) gene", [("APC", "adenomatous polyposis coli")]),
        ("ataxia-telangiectasia (A-T) is recessive", [("A-T", "ataxia-telangiectasia")]),
        ("Wilson disease (WD; OMIM 277900)", [("WD", "Wilson disease")]),
        ("myotonic dystrophy [DM] and", []),
        ("dystrophia myotonica [DM] and", [("DM", "dystrophia myotonica")]),
        ("WD (Wilson disease) is rare", [("WD", "Wilson disease")]),
        ("the X-linked form (XL) of it", [("XL", "X-linked form")]),
        # Not in the sentence before, and not over more words than twice the letters.
        ("About Wilson patients. The disease (WD)", []),
        ("we saw the disease in each of them (WD)", []),
        ("was over a long flat disease (WD)", []),
        # Ten letters may be of fifteen words, and of no more.
        ("of aa b c d e f g h i j k l m n o (abcdefghio)", [("abcdefghio", "aa b c d e f g h i j k l m n o")]),
        ("of aa b c d e f g h i j k l m n o p (abcdefghip)", []),
        # No letter, too long, starts with a sign, or spelled out inside its own long form.
        ("Wilson disease (12)", []),
        ("Wilson disease of copper (Wilsondisease)", []),
        ("Wilson disease (-WD)", []),
        ("the WD repeat (WD)", []),
        ("patients (n = 12) were", []),
        ("(WD)", []),
        ("", []),
        ("the isoform I (of it) or exclusion (II)", []),
        # All initials count before letters inside words, which would give "cancer" and lose "attenuated".
        ("breast (BC) and colon cancer (CC)", [("CC", "colon cancer")]),
        ("attenuated adenomatous polyposis coli (AAPC)", [("AAPC", "attenuated adenomatous polyposis coli")]),
    ],
)
def test_definitions_of_hand_made_texts_and_of_the_paper(text, expected):
    assert pairs(text) == expected


def test_offsets_are_those_of_the_text():
    text = "In  Wilson disease ( WD ), and in Menkes disease [MD], WD (again)."
    first, second = find_abbreviations(text)
    assert (text[first.short_start : first.short_end], text[first.long_start : first.long_end]) == (
        "WD",
        "Wilson disease",
    )
    assert (text[second.short_start : second.short_end], text[second.long_start : second.long_end]) == (
        "MD",
        "Menkes disease",
    )


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


def test_a_document_of_the_corpus(shared_data):
    for document in read_pubtator(shared_data / "ncbi_disease" / "NCBItestset_corpus.txt"):
        if document.document_id == "9949209":
            assert ("WD", "Wilson disease") in pairs(document.text)
            assert ("CT", "copper toxicosis") in pairs(document.text)
            return
    # The committed sample holds other documents; each definition must at least be spelled by its text.
    assert any(pairs(document.text) for document in read_pubtator(shared_data / "ncbi_disease/NCBItestset_corpus.txt"))


@given(st.text(alphabet="abAB ()[]-.,;12é", max_size=60))
def test_any_text_gives_definitions_with_exact_offsets(text):
    for found in find_abbreviations(text):
        assert text[found.short_start : found.short_end] == found.short
        assert text[found.long_start : found.long_end] == found.long
        assert found.short_end <= found.long_start or found.long_end <= found.short_start


@given(
    st.lists(st.text(alphabet="abcdeİ", min_size=1, max_size=2), min_size=10, max_size=30),
    st.lists(st.integers(-20, -1), min_size=2, max_size=10, unique=True).map(sorted),
    st.sampled_from([" ", "-", " - "]),
)
def test_the_last_words_before_a_bracket_decide_as_all_of_them_do(words, spelled, separator):
    """The short form has initials of some of the words, so that often it is as much as too long."""
    text = separator.join(words) + f" ({''.join(words[max(place, -len(words))][0] for place in spelled)})"
    found = find_abbreviations(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(abbreviations, "_WORDS_BEFORE", len(text) + 1)
        assert found == find_abbreviations(text)


@pytest.fixture
def looked_at(monkeypatch):
    """The length of what is looked at before each bracket."""
    lengths = []
    long_form = abbreviations._long_form
    monkeypatch.setattr(
        abbreviations,
        "_long_form",
        lambda short, before: lengths.append(len(before.text)) or long_form(short, before),
    )
    return lengths


def test_the_work_for_a_bracket_is_the_same_in_a_long_text(monkeypatch, looked_at):
    """Lowercased, a text has no ends of sentences, which would bound what is looked at."""
    monkeypatch.setattr(abbreviations, "_SENTENCE_END", scans := _Counting(abbreviations._SENTENCE_END))
    sentence = "it was heat shock protein (hsp) of the patients. "
    assert len(find_abbreviations(sentence * 500)) == 500
    assert len(looked_at) == 500 and max(looked_at) < 4 * len(sentence)
    assert scans.count == 1, "the text is searched for sentences once, not for each bracket"


def test_nor_does_it_grow_where_a_long_text_has_no_spaces(looked_at):
    text = "itwasheatshockprotein(hsp)ofthepatients" * 500
    find_abbreviations(text)
    assert len(looked_at) == 500 and max(looked_at) < len(text) / 5
    found = find_abbreviations(text + " heat shock protein (hsp)")
    assert [one.long for one in found if one.long_start > len(text)] == ["heat shock protein"]


class _Counting:
    """A pattern that counts its searches."""

    def __init__(self, pattern):
        self.pattern, self.count = pattern, 0

    def finditer(self, *given):
        self.count += 1
        return self.pattern.finditer(*given)
