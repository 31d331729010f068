"""Other spellings of a name."""

import pytest

from angel_hf.annotation.variants import (
    common_modifiers,
    growth_variants,
    name_variants,
    number_variants,
    plain_names,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Gout", ["Gout"]),
        ("Carcinoma, Breast", ["Carcinoma, Breast", "Breast Carcinoma"]),
        ("Anemia, Kind 1, Mild", ["Anemia, Kind 1, Mild"]),
        ("C3 DEFICIENCY, AUTOSOMAL RECESSIVE", ["C3 DEFICIENCY, AUTOSOMAL RECESSIVE", "C3 DEFICIENCY"]),
        ("Deafness, X-Linked", ["Deafness, X-Linked", "X-Linked Deafness"]),  # one word is too little to stand alone
        ("Tay-Sachs Disease", ["Tay-Sachs Disease", "Tay-Sachs"]),
        ("von Hippel-Lindau Disease", ["von Hippel-Lindau Disease", "von Hippel-Lindau"]),
        ("Down Syndrome", ["Down Syndrome"]),
        ("Cri-du-Chat Syndrome", ["Cri-du-Chat Syndrome"]),
    ],
)
def test_variants(name, expected):
    found = list(name_variants(name))
    assert found[0] == name
    assert set(found) >= set(expected)
    if len(expected) == 1:
        assert found == expected


def test_one_growth_stands_for_another_after_a_place_only():
    assert list(growth_variants(["cancer"])) == [["cancer"]]
    assert list(growth_variants(["gout"])) == [["gout"]]
    found = [" ".join(forms) for forms in growth_variants(["breast", "cancer"])]
    assert found == ["breast cancer", "breast carcinoma", "breast neoplasm", "breast tumor"]


def test_a_modifier_opens_names_with_many_last_words():
    names = [["renal", f"kind{letter}"] for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert common_modifiers(names) == {"renal"}
    assert common_modifiers(names[1:]) == frozenset()
    assert common_modifiers([["renal", "kind"]] * 100) == frozenset(), "one last word, however often"
    assert common_modifiers([["brain", forms[1]] for forms in names]) == frozenset(), "an ordinary word"


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        ("mucopolysaccharidosis i", ["mucopolysaccharidosis i", "mucopolysaccharidosis 1"]),
        ("mucopolysaccharidosis 10", ["mucopolysaccharidosis 10", "mucopolysaccharidosis x"]),
        ("glycogenosis 1a", ["glycogenosis 1a", "glycogenosis ia"]),
        ("vitamin k", ["vitamin k"]),
        ("hepatitis 2", ["hepatitis 2"]),  # II is the same form
        ("ml 1", ["ml 1"]),  # per millilitre
        ("i", ["i"]),
    ],
)
def test_a_letter_that_ends_a_name_may_be_a_number(forms, expected):
    assert [" ".join(one) for one in number_variants(forms.split())] == expected


def test_umlauts_are_one_letter_or_two():
    assert list(plain_names("Möbius syndrome")) == ["Mobius syndrome", "Moebius syndrome"]
    assert list(plain_names("Mo\u0308bius syndrome")) == ["Mobius syndrome", "Moebius syndrome"]
    assert list(plain_names("Behçet")) == ["Behcet"]
    assert list(plain_names("Gout")) == ["Gout"]
