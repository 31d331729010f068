"""Definitions of abbreviations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.annotation import abbreviations, find_abbreviations
from angel_hf.formats.pubtator import read_pubtator


def pairs(text):
    return [(found.short, found.long) for found in find_abbreviations(text)]


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A remark after the short form, whatever parts the two.
        ("Familial green fever (FGF [MIM 277900])", [("FGF", "Familial green fever")]),
        ("copper dog disease (CDD (type A)) and", [("CDD", "copper dog disease")]),
        ("lazy ant syndrome (LAS: review)", [("LAS", "lazy ant syndrome")]),
        ("Wilson disease (WD = hepatolenticular degeneration)", [("WD", "Wilson disease")]),
        ("Wilson disease (WD - a review)", [("WD", "Wilson disease")]),
        ("Wilson disease (WD or HLD)", [("WD", "Wilson disease")]),
        ("hazard ratio (HR = 2.1, P = .001)", [("HR", "hazard ratio")]),
        # Or before it.
        ("Wilson disease (OMIM 277900; WD)", [("WD", "Wilson disease")]),
        ("blood urea nitrogen (23 mg, BUN)", [("BUN", "blood urea nitrogen")]),
        # Within another bracket, beside one that nobody closed, and in quotes or brackets of other kinds.
        ("in 2 of them (also of Wilson disease (WD)) and", [("WD", "Wilson disease")]),
        ("(see below. With Wilson disease (WD) it", [("WD", "Wilson disease")]),
        ("1) Wilson disease (WD), 2) gout", [("WD", "Wilson disease")]),
        ("[Wilson disease (WD)] and {Menkes disease [MD]}", [("WD", "Wilson disease"), ("MD", "Menkes disease")]),
        ('Wilson disease ("WD") and Menkes disease (“MD”)', [("WD", "Wilson disease"), ("MD", "Menkes disease")]),
        ("Wilson disease （WD） and Menkes disease {MD}", [("WD", "Wilson disease"), ("MD", "Menkes disease")]),
        # A short form with brackets of its own, and one before a long form with a remark.
        ("gamma-aminobutyric acid type A (GABA(A)) receptor", [("GABA(A)", "gamma-aminobutyric acid type A")]),
        ("WD (Wilson disease [MIM 277900])", [("WD", "Wilson disease")]),
        ("WD (Wilson disease: review)", [("WD", "Wilson disease")]),
        ("(WD (Wilson disease))", [("WD", "Wilson disease")]),
        # A comma before the bracket belongs to neither.
        ("of Wilson disease, (WD)", [("WD", "Wilson disease")]),
        # Beside a remark every word must count, the look must be that of an abbreviation, and nothing is new twice.
        ("the risk of pacemaker insertion (age, OR 2.1; OR = 3)", []),
        ("in a wide range (range: 1-6)", []),
        ("measured in (men and women)", []),
        ("measured in (P < .001)", []),
        ("Odds ratio (OR) or rods (OR = 2)", [("OR", "Odds ratio")]),
    ],
)
def test_a_remark_in_the_bracket_hides_no_definition(text, expected):
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
        assert text[found.bracket_start] in "([" and text[found.bracket_end - 1] in ")]"
        assert (found.bracket_start < found.short_start < found.short_end < found.bracket_end) != (
            found.bracket_start < found.long_start < found.long_end < found.bracket_end
        )
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
