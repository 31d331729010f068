"""The form that the model reads: the published one against a plain rewriting of its rule."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.text.reading import NORMALIZATIONS, normalize

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ataxia-Telangiectasia", "ataxia telangiectasia"),
        ("Tooth Agenesis, Selective, 6", "tooth agenesis selective 6"),
        ("Alzheimer's disease", "alzheimer s disease"),
        ("  Wilson \t\n disease ", "wilson disease"),
        ("non\u00a0breaking", "non breaking"),
        ("C2 (deficiency)", "c2 deficiency"),
        ("IL-2Rγ", "il 2rγ"),
        ("“β–thalassemia”", "β thalassemia"),
        ("a+b=c", "a b c"),  # mathematical symbols are of category S
        ("100 µg/mL", "100 µg ml"),
        ("H₂O²", "h₂o²"),  # numbers, not symbols
        ("e\u0301", "e\u0301"),  # a combining mark is no punctuation, and nothing is composed
        ("肝癌（HCC）", "肝癌 hcc"),
        ("🧬 disease", "disease"),
        ("𝛼-synuclein", "𝛼 synuclein"),
        ("İstanbul", "i\u0307stanbul"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_the_published_form(text, expected):
    assert normalize(text, "lowercase-punctuation") == expected


@pytest.mark.parametrize("text", ["-", "+/-", "🧬", "(?)"])
def test_a_text_of_marks_alone_keeps_them(text):
    assert normalize(f" {text} ", "lowercase-punctuation") == text


@given(texts)
def test_the_published_form_is_the_rule_spelled_out(text):
    kept = "".join(" " if unicodedata.category(letter).startswith(("P", "S")) else letter for letter in text.lower())
    expected = re.sub(r"\s+", " ", kept).strip()
    assert normalize(text, "lowercase-punctuation") == (expected or text.lower().strip())


@given(texts, st.sampled_from(NORMALIZATIONS))
def test_twice_is_once(text, normalization):
    once = normalize(text, normalization)
    assert normalize(once, normalization) == once


@given(texts)
def test_lowercase_changes_letters_only_and_as_is_nothing(text):
    assert normalize(text, "lowercase") == text.lower()
    assert normalize(text, "as-is") is text


@pytest.mark.parametrize("unknown", ["upper", "", "Lowercase"])
def test_an_unknown_form_is_refused_with_the_known_ones(unknown):
    message = f"unknown normalization '{unknown}'; expected one of lowercase-punctuation, lowercase, as-is"
    with pytest.raises(ValueError, match=message):
        normalize("text", unknown)
