"""Text in plain letters, against Unicode's own tables and by hand, and where each letter came from."""

import html
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.text.folding import Folded
from angel_hf.text.reading import fold

GREEK_LETTERS = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi
    psi omega
    """
GREEK = GREEK_LETTERS.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sjögren", "Sjogren"),
        ("Sjo\u0308gren", "Sjogren"),
        ("cystic \ufb01brosis, e\ufb00ect", "cystic fibrosis, effect"),
        ("fibro\u00adsis, le\u200buke\u2060mia\ufeff", "fibrosis, leukemia"),
        ("ｆｅｖｅｒ　（ＦＭＦ）", "fever (FMF)"),
        ("Tay\u2011Sachs\u00a0disease", "Tay-Sachs disease"),
        ("a\u2010b\u2012c\u2013d\u2014e\u2212f", "a-b-c-d-e-f"),
        ("Crohn’s, Crohn´s, Crohnʼs, Crohn′s", "Crohn's, Crohn's, Crohn's, Crohn's"),
        ("“so-called” «gout»", '"so-called" "gout"'),
        ("5′-nucleotidase", "5'-nucleotidase"),
        ("Løken, Łódź, Đorđe, Ærø, œdema, Þór, dıs", "Loken, Lodz, Dorde, Aero, oedema, Thor, dis"),
        ("CD4⁺, H₂O, 10⁵, ½", "CD4+, H2O, 105, 1/2"),
        ("type Ⅳ, 𝐠𝐨𝐮𝐭", "type IV, gout"),
        ("≥5 ± 1 × 2 ≠ 3", ">=5 +/- 1 x 2 != 3"),
        ("Gleevec™", "Gleevec"),
    ],
)
def test_letters_that_look_alike_are_one(text, expected):
    assert fold(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("β-thalassemia", "beta-thalassemia"),
        ("TNFα and IFNγ", "TNF alpha and IFN gamma"),
        (
            "α1-antitrypsin, α₁-antitrypsin, α-1-antitrypsin",
            "alpha 1-antitrypsin, alpha 1-antitrypsin, alpha-1-antitrypsin",
        ),
        ("γδ T cells", "gamma delta T cells"),
        ("\U0001d6fc-synuclein", "alpha-synuclein"),
        ("ɑ-thalassemia, ∆F508", "alpha-thalassemia, Delta F508"),
        ("50 µg, 3 μmol, µ-chain, Igμ", "50 ug, 3 umol, mu-chain, Ig mu"),
        ("TGFß1, ß-cell, Aß, IL1ß", "TGF beta 1, beta-cell, A beta, IL1 beta"),
        ("Weißmann, Strauß, Aßmann", "Weissmann, Strauss, Assmann"),
        ("η ά ς Ω Λ", "eta alpha sigma Omega Lambda"),
        ("το ήπαρ", "το ήπαρ".replace("το", "tau omicron")),  # Greek text is no sequence of letters
    ],
)
def test_greek_letters_are_spelled_apart_from_what_they_touch(text, expected):
    assert fold(text) == expected


def test_every_greek_letter_has_its_name():
    small = [chr(code) for code in range(ord("α"), ord("ω") + 1) if code != ord("ς")]
    assert [fold(letter) for letter in small] == GREEK
    assert [fold(letter.upper()) for letter in small] == [name.capitalize() for name in GREEK]


def test_every_latin_letter_with_marks_is_its_base_letter():
    for code in range(0xC0, 0x250):
        decomposed = unicodedata.normalize("NFD", chr(code))
        if len(decomposed) > 1 and decomposed[0].isascii():
            assert fold(chr(code)) == decomposed[0] == fold(decomposed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sj&ouml;gren&#39;s", "Sjogren's"),
        ("&beta;-thalassemia, &#946;, &#x3B2;, &amp;beta;", "beta-thalassemia, beta, beta, beta"),
        ("TNF&alpha;, &alpha;1, &alpha;&beta;", "TNF alpha, alpha 1, alpha beta"),
        ("p &lt; 5 &amp; q &gt; 2&nbsp;mg", "p < 5 & q > 2 mg"),
        ("R&D, AT&T; &none; & &; &#; a&b", "R&D, AT&T; &none; & &; &#; a&b"),
    ],
)
def test_entities_are_what_they_stand_for(text, expected):
    assert fold(text) == expected


@given(st.text(st.characters(max_codepoint=127, exclude_characters="&")))
def test_ascii_is_the_very_same_string(text):
    assert fold(text) is text
    assert Folded(text).text is text


@given(st.sampled_from(sorted(html.entities.html5)))
def test_an_entity_is_folded_as_its_characters(name):
    if name.endswith(";"):
        assert fold(f"a &{name} b") == fold(f"a {html.unescape('&' + name)} b")


pieces = st.sampled_from(
    ["Sjögren", "e\u0301", "β", "1", " ", "ﬁ", "\u00ad", "&beta;", "&", ";", "-", "½", "肝", "é", "ab", "ß"]
)


@given(st.lists(pieces, max_size=12), st.lists(pieces, max_size=12), st.lists(pieces, max_size=12))
def test_a_folded_span_is_what_its_original_folds_to(before, inside, after):
    """Between bars, which change nothing beside them."""
    texts = ["".join(one) for one in (before, inside, after)]
    text = "|".join(texts)
    folded = Folded(text)
    assert folded.text == fold(text) == "|".join(map(fold, texts))
    start = len(fold(texts[0])) + 1
    end = start + len(fold(texts[1]))
    found = folded.span(start, end)
    assert fold(text[slice(*found)]) == fold(texts[1])
    if fold(texts[1]):
        assert len(texts[0]) < found[0] < found[1] <= len(texts[0]) + 1 + len(texts[1])


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("a Sjo\u0308gren b", "Sjogren", "Sjo\u0308gren"),
        ("in Barre\u0301 syndrome", "Barre", "Barre\u0301"),
        ("\u200bgout\u200b.", "gout", "gout"),
        ("TNFα1", "alpha", "α"),
        ("TNFα1", "TNF", "TNF"),
        ("TNFα1", "1", "1"),
        ("x &amp;beta;-globin", "beta-globin", "&amp;beta;-globin"),
        ("Ich sah β, β, β und Strauß.", "Strauss", "Strauß"),
        ("type ½ x", "1", "½"),  # all of what one letter stands for
        ("type ½ x", "2", "½"),
    ],
)
def test_offsets_are_those_of_the_text_as_it_came(text, word, expected):
    folded = Folded(text)
    start = folded.text.index(word)
    begin, end = folded.span(start, start + len(word))
    assert text[begin:end] == expected


@pytest.mark.parametrize("piece", ["&", "&amp;", "&#9", "e\u0301", "αβ", "Sjögren ", "\u00ad", "й "])
def test_time_is_linear_in_the_text(piece):
    text = piece * (200_000 // len(piece))
    start = time.process_time()
    Folded(text)
    assert time.process_time() - start < 2
