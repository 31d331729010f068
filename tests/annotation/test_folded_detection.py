"""Names found however a text spells them, and not where a phrase ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf import KnowledgeBase
from angel_hf.annotation import DictionaryDetector
from angel_hf.text.reading import fold


def surfaces(text, *names):
    return [mention.surface for mention in DictionaryDetector(names).detect([text])[0]]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("Sjogren Syndrome", ["Sjögren syndrome", "Sjo\u0308gren’s syndrome", "Sj&ouml;gren&#39;s syndrome"]),
        ("Sjogren's Syndrome", ["Sjoegren syndrome"]),
        ("Guillain-Barré Syndrome", ["Guillain-Barre syndrome", "Guillain–Barre\u0301 syndrome"]),
        ("Behçet Disease", ["behcet disease", "BEHÇET DISEASE", "Behc\u0327et’s disease"]),
        ("Senior-Løken Syndrome", ["Senior-Loken syndrome", "Senior-Loeken syndrome"]),
        ("Möbius Syndrome", ["Moebius syndrome", "Mobius syndrome"]),
        ("alpha 1-Antitrypsin Deficiency", ["α1-antitrypsin deficiency", "α₁-antitrypsin deficiency"]),
        ("alpha 1-antitrypsin deficiency", ["alpha1 antitrypsin deficiency", "&alpha;1-antitrypsin deficiency"]),
        ("β-Thalassemia", ["beta thalassemia", "beta-thalassaemia", "ß-thalassemia", "β-thalassaemias"]),
        ("TNF-alpha excess", ["TNFα excess", "TNF alpha excess", "TNFalpha excess", "TNF‐α excess"]),
        ("Cystic Fibrosis", ["cystic ﬁbrosis", "cystic fibro\u00adsis", "ｃｙｓｔｉｃ　ｆｉｂｒｏｓｉｓ"]),
        ("CYSTIC FIBROSIS", ["cystic\u00a0fibrosis", "cys\u200btic fibrosis"]),
        ("5'-nucleotidase deficiency", ["5′-nucleotidase deficiency", "5’-nucleotidase deficiency"]),
        ("Brain Metastasis", ["brain metastases"]),
        ("Glycogenosis Type 9", ["glycogenosis type IX", "glycogenosis type Ⅸ", "glycogenosis, type 9"]),
        ("Mucopolysaccharidosis I", ["mucopolysaccharidosis 1", "mucopolysaccharidosis I"]),
        ("Mucopolysaccharidosis 5", ["mucopolysaccharidosis V"]),
        ("Factor X Deficiency", ["factor 10 deficiency", "factor X deficiency"]),
        ("Sulfhemoglobinemia", ["sulphaemoglobinaemia"]),
        ("Muscle Fibre Disease", ["muscle fiber disease", "muscle fibres disease"]),
    ],
)  # fmt: skip
def test_a_name_is_found_in_every_spelling(name, texts):
    detector = DictionaryDetector([name, "gout"])
    for surface in texts:
        text = f"In ½ of “cases” {surface} was seen; é."
        start = text.index(surface)
        assert [(one.start, one.text) for one in detector.detect([text])[0]] == [(start, text)]
        assert detector.detect([text])[0][0].surface in (surface, surface.removesuffix("\u200b"))
        assert detector.is_name(surface)


@pytest.mark.parametrize(
    "text",
    [
        "fibrosis; cystic",
        "Fibrosis: cystic",
        "fibrosis? Cystic",
        "fibrosis! Cystic",
        "fibrosis. Cystic",
        "fibrosis.\nCystic",
        "fibrosis.\u00a0Cystic",
        "fibrosis.Cystic",
        'fibrosis." Cystic',
        "fibrosis.) Cystic",
        "fibrosis\n\ncystic",
        "fibrosis\r\n \r\ncystic",
        "fibrosis\n- cystic",
        "fibrosis\n2. cystic",
        "fibrosis | cystic",
        "fibrosis • cystic",
        "fibrosis；cystic",
        "fibrosis (cystic",
        "fibrosis) cystic",
        "fibrosis] (cystic",
        "fibrosis &#59; cystic",
    ],
)
def test_no_name_reaches_over_the_end_of_a_phrase(text):
    assert surfaces(text, "Fibrosis, Cystic", "Cystic Fibrosis") == []
    joined = text.replace("ibrosis", "ibrosis cystic")
    assert [one.lower() for one in surfaces(joined, "Fibrosis, Cystic")] == ["fibrosis cystic"]


@pytest.mark.parametrize(
    "text", ["cystic\nfibrosis", "cystic (lung) fibrosis", "cystic, fibrosis", "cystic  \t fibrosis"]
)
def test_a_name_goes_on_over_a_line_and_a_whole_bracket(text):
    assert surfaces(text, "Cystic Fibrosis", "cystic lung fibrosis") == [text]


def test_a_name_has_the_signs_that_it_has():
    names = "St. Louis Encephalitis", "t(9;22) Leukemia", "Gout: the Novel", "Scrapie!"
    for text in ("st. Louis\nencephalitis", "t(9;22) leukemia", "gout: the novel"):
        assert surfaces(f"Of {text} much is known.", *names) == [text]
    assert surfaces("in St Louis. Encephalitis", *names) == []


def test_what_and_joins_does_not_reach_over_the_end_of_a_phrase():
    names = "Breast Cancer", "Ovarian Cancer"
    assert surfaces("breast and ovarian cancer", *names) == ["breast and ovarian cancer"]
    assert surfaces("breast; and ovarian cancer", *names) == ["ovarian cancer"]
    assert surfaces("the breast. And ovarian cancer", *names) == ["ovarian cancer"]


def test_the_pronoun_is_no_number():
    names = "Deafness 1", "Deafness"
    assert surfaces("Of deafness I know little.", *names) == ["deafness"]
    assert surfaces("the gene of deafness I.", *names) == ["deafness I"]


CAPITALS = "GOUT", "LUPUS", "FLU", "SCD", "AT", "ALL", "WT1", "GREEN FEVER", "WILSON DISEASE"


def test_where_all_names_are_in_capitals_they_are_words():
    text = "Gout, lupus, flu and wilson disease at home; all had AT, SCD, and scd."
    assert surfaces(text, *CAPITALS) == ["Gout", "lupus", "flu", "wilson disease", "AT", "SCD"]
    assert surfaces("Gout or lupus", "GOUT", "LUPUS") == ["Gout", "lupus"]


def test_among_other_names_capitals_are_abbreviations():
    text = "Gout, GOUT, lupus, flu and Wilson disease"
    assert surfaces(text, *CAPITALS[:-2], "Green Fever", "Wilson Disease") == ["GOUT", "Wilson disease"]
    assert surfaces("The rest and BRAF, KRAS", "BRAF", "KRAS", "C9", "REST") == ["BRAF", "KRAS"]


def test_words_of_a_title_in_capitals_are_no_abbreviations():
    names = "ALL", "AT", "PKU", "Gout"
    assert surfaces("ALL PATIENTS AT HOME WITH PKU AND GOUT", *names) == ["PKU", "GOUT"]
    assert surfaces("We saw ALL, AT (and PKU).", *names) == ["ALL", "AT", "PKU"]


def test_a_letter_that_is_a_name_is_not_looked_for():
    assert surfaces("beta blockers, β blockers", "β", "βα", "gout") == []


def test_abbreviations_are_defined_and_used_in_any_letters():
    text = "Sjögren syndrome （SS） and SS"
    assert surfaces(text, "Sjogren Syndrome") == ["Sjögren syndrome", "SS", "SS"]


def test_names_of_a_knowledge_base_keep_their_spelling():
    knowledge_base = KnowledgeBase.from_names({"D1": ["Ménière Disease", "β-thalassemia"]})
    detector = DictionaryDetector.from_knowledge_base(knowledge_base)
    assert list(knowledge_base.names) == ["Ménière Disease", "β-thalassemia"]
    assert [one.surface for one in detector.detect(["Meniere disease, beta-thalassemia"])[0]] == [
        "Meniere disease",
        "beta-thalassemia",
    ]


DETECTOR = DictionaryDetector(
    ["Sjögren Syndrome", "beta thalassemia", "TNF alpha excess", "Fibrosis", "type 5 fever", "½ gout"]
)
PIECES = [
    "Sjo\u0308gren", "sj&ouml;gren", "syndrome", "β", "&beta;", "thalassaemia", "TNFα", "excess", "ﬁbrosis",
    "fibro\u00adses", "type", "V", "Ⅴ", "fever", "(", ")", "（SS）", ";", "•",
    "and", "½", "gout", "\u200b", "肝", "-", "'s", "\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_a_text_has_the_mentions_of_the_folded_text(pieces):
    """In their order, without overlap, each with its own letters."""
    text = " ".join(pieces)
    found, expected = DETECTOR.detect([text])[0], DETECTOR.detect([fold(text)])[0]
    assert [fold(one.surface) for one in found] == [one.surface for one in expected]
    assert all(left.end <= right.start for left, right in zip(found, found[1:]))
    assert all(one.text is text for one in found)
