"""Names of a knowledge base found in texts."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import KnowledgeBase
from angel_hf.annotation import DictionaryDetector
from angel_hf.annotation.words import WordForms, split_words, word_form
from angel_hf.formats.pubtator import read_pubtator

NAMES = [
    "Wilson Disease",
    "Breast Neoplasms",
    "Carcinoma, Breast",
    "Breast Cancer",
    "Ovarian Cancer",
    "Hearing Loss",
    "Deafness",
    "Anemia",
    "Diabetes Mellitus, Type 2",
    "Diabetes Mellitus",
    "C6 Deficiency",
    "glucose-6-phosphate dehydrogenase deficiency",
    "APC",
    "AT",
    "All",
    "Ataxia Telangiectasia",
    "nonsyndromic hearing loss",
    "Li-Fraumeni Syndrome",
    "Retinoblastoma",
    "WT1",
    "Tay-Sachs Disease",
    "C3 DEFICIENCY, AUTOSOMAL RECESSIVE",
]
DETECTOR = DictionaryDetector(NAMES)


def surfaces(text, detector=DETECTOR):
    return [mention.surface for mention in detector.detect([text])[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A case of Wilson's disease.", ["Wilson's disease"]),
        ("WILSON DISEASE", ["WILSON DISEASE"]),
        ("Breast neoplasm, breast carcinomas", ["Breast neoplasm", "breast carcinomas"]),
        ("anaemia and deafness", ["anaemia", "deafness"]),
        ("type II diabetes mellitus", ["type II diabetes mellitus"]),  # the longest, not what is inside
        ("C6-deficient", ["C6-deficient"]),
        ("non-syndromic hearing loss", ["non-syndromic hearing loss"]),
        # Word boundaries, ordinary words, letter case of abbreviations, and genes.
        ("Breast cancerous, preanemia", []),
        ("all patients at home", []),
        ("the AT patients", ["AT"]),
        ("APC, the APC gene", ["APC"]),
        ("the WT1 locus and WT1", []),  # the symbol of a gene
        # Across a sentence there is no name.
        ("We saw Wilson. Disease was rare.", []),
        # What belongs to a mention on its left.
        ("sporadic breast cancer", ["sporadic breast cancer"]),
        ("X-linked deafness", ["X-linked deafness"]),
        ("breast and ovarian cancer", ["breast and ovarian cancer"]),
        ("breast/ovarian cancer", ["breast/ovarian cancer"]),
        ("hereditary breast, and/or ovarian cancer", ["hereditary breast, and/or ovarian cancer"]),
        ("retinoblastoma and Li-Fraumeni syndrome", ["retinoblastoma", "Li-Fraumeni syndrome"]),
        # And on its right.
        ("APC tumors and Wilson disease syndromes", ["APC tumors", "Wilson disease syndromes"]),
        ("anemia. Disease was", ["anemia"]),
        # Variants of names.
        ("ovarian carcinoma and breast tumours", ["ovarian carcinoma", "breast tumours"]),
        ("Tay-Sachs, C3 deficiency", ["Tay-Sachs", "C3 deficiency"]),
        # Abbreviations that the text defines.
        ("Wilson disease (WD). The WD gene, WDs", ["Wilson disease", "WD", "WD", "WDs"]),
        (
            "glucose-6-phosphate dehydrogenase (G6PD) deficiency",
            ["glucose-6-phosphate dehydrogenase (G6PD) deficiency"],
        ),
        ("", []),
    ],
)
def test_hand_made_texts(text, expected):
    assert surfaces(text) == expected


def test_offsets_are_those_of_the_text():
    text = "  β-Wilson’s\n disease;\tanemia"
    mentions = DETECTOR.detect(["none here", text])[1]
    assert [(mention.start, mention.end, mention.text) for mention in mentions] == [(4, 21, text), (23, 29, text)]


def test_generic_diseases_are_mentions_where_the_names_are_of_diseases():
    text = "an autosomal recessive disorder, a genetic defect, a disease, an inherited trait"
    assert surfaces(text) == []
    assert surfaces(text, DictionaryDetector(["Disease", "Gout"])) == ["autosomal recessive disorder", "genetic defect"]


def test_a_mention_takes_in_words_that_open_many_names():
    text = "cerebral gout or cruel gout"
    assert surfaces(text, DictionaryDetector(["gout", "cerebral palsy"])) == ["gout", "gout"]
    many = [f"cerebral kind{letter * 2}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert surfaces(text, DictionaryDetector(["gout", *many])) == ["cerebral gout", "gout"]


def test_names_of_a_knowledge_base_are_found():
    knowledge_base = KnowledgeBase.from_names({"D1": ["Gout", "Podagra"]})
    assert surfaces("gout or podagra", DictionaryDetector.from_knowledge_base(knowledge_base)) == ["gout", "podagra"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Tumours", "tumor"),
        ("anaemias", "anemia"),
        ("oedema", "edema"),
        ("II", "2"),
        ("non-familial", "nonfamilial"),
        ("deficiencies", "deficiency"),
    ],
)
def test_spelling_variants_share_a_form(left, right):
    assert word_form(left) == word_form(right)


@pytest.mark.parametrize(("left", "right"), [("diabetes", "diabetic"), ("lupus", "lupu"), ("A", "B")])
def test_different_words_do_not(left, right):
    assert word_form(left) != word_form(right)


def test_a_single_letter_is_a_word():
    assert split_words("hemophilia A's b", WordForms()).forms == ["hemophilia", "a", "b"]


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([*NAMES, "WD", "and", "/", ", ", "(WD)", "(", ")", "X-linked", "é", ". "]), max_size=12)
)
def test_mentions_are_in_order_without_overlap(pieces):
    text = " ".join(pieces)
    mentions = DETECTOR.detect([text])[0]
    assert all(left.end <= right.start for left, right in zip(mentions, mentions[1:]))
    assert all(mention.surface == mention.surface.strip() for mention in mentions)


@pytest.mark.slow
def test_a_megabyte_of_text_takes_a_second(shared_data):
    """With MEDIC, in processor time of one core, since other work may run; the best of three."""
    detector = DictionaryDetector.from_knowledge_base(KnowledgeBase.from_file(shared_data / "kb/medic_06Jul2012.txt"))
    texts = [document.text for document in read_pubtator(shared_data / "ncbi_disease/NCBItestset_corpus.txt")]
    seconds = []
    for _ in range(3):
        start = time.process_time()
        detector.detect(texts)
        seconds.append(time.process_time() - start)
    assert sum(len(text.encode()) for text in texts) / min(seconds) > 1e6
