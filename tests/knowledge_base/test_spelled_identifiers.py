"""Concepts found by identifiers that are spelled otherwise than in the knowledge base."""

import pytest

from angel_hf import Concept, KnowledgeBase
from angel_hf.knowledge_base.subset import concepts_within

MIXED = KnowledgeBase.from_concepts(
    [
        Concept("D001943", ("breast cancer",), ("OMIM:114480",)),
        Concept("C565588", ("rare disease",), parents=("D001943",)),
        Concept("OMIM:208900", ("ataxia",)),
    ]
)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("MESH:D001943", "D001943"),
        ("mesh:d001943", "D001943"),
        ("http://id.nlm.nih.gov/mesh/C565588", "C565588"),
        ("d001943", "D001943"),
        ("MIM:114480", "D001943"),
        ("114480", "D001943"),
        ("208900", "OMIM:208900"),
        ("OMIM:OMIM:208900", "OMIM:208900"),
        ("NCIT:C565588", None),
        ("ORPHA:208900", None),
        ("MESH:D999999", None),
        ("", None),
        ("-1", None),
    ],
)
def test_an_identifier_resolves_in_every_spelling_and_only_in_its_vocabulary(given, found):
    assert MIXED.resolve(given) == found
    if found:
        assert MIXED.concept(given) == MIXED.concept(found)


def test_a_bare_identifier_finds_one_with_a_prefix():
    prefixed = KnowledgeBase.from_names({"MESH:D001943": ["a"], "http://purl.obolibrary.org/obo/FOO_7": ["b"]})
    assert prefixed.resolve("D001943") == prefixed.resolve("mesh:D001943") == "MESH:D001943"
    assert prefixed.resolve("foo:7") == prefixed.resolve("FOO_7") == "http://purl.obolibrary.org/obo/FOO_7"


def test_a_bare_number_resolves_only_where_one_concept_fits():
    numbers = KnowledgeBase.from_names({"OMIM:100": ["a"], "ORPHA:100": ["b"], "ORPHA:200": ["c"]})
    assert (numbers.resolve("100"), numbers.resolve("200")) == (None, "ORPHA:200")
    with pytest.raises(KeyError, match=r"it fits OMIM:100 \(a\), ORPHA:100 \(b\): give one of these"):
        numbers.concept("100")


def test_numbers_without_a_prefix_are_of_no_vocabulary_that_is_asked_for_unless_they_are_of_snomeds_form():
    genes = KnowledgeBase.from_names({"672": ["BRCA1"], "7157": ["TP53"]})
    assert (genes.resolve("672"), genes.resolve("OMIM:672")) == ("672", None)
    snomed = KnowledgeBase.from_names({"22298006": ["infarction"], "73211009": ["diabetes"]})
    assert snomed.resolve("SNOMEDCT:22298006") == snomed.resolve("http://snomed.info/id/22298006") == "22298006"
    assert snomed.resolve("OMIM:22298006") is None


def test_among_bare_identifiers_of_several_kinds_one_that_can_be_of_one_vocabulary_only_is_found():
    toy = KnowledgeBase.from_names({"D001260": ["a"], "X1": ["b"]})
    assert (toy.resolve("MESH:D001260"), toy.resolve("MESH:X1"), toy.resolve("UMLS:D001260")) == ("D001260", None, None)


def test_an_identifier_as_it_stands_comes_before_any_other_spelling():
    both = KnowledgeBase.from_names({"D001260": ["a"], "MESH:D001260": ["b"]})
    assert (both.resolve("D001260"), both.resolve("MESH:D001260")) == ("D001260", "MESH:D001260")


def test_an_unknown_identifier_is_told_how_identifiers_look_and_what_refers_to_it():
    disease = Concept("MONDO:0007254", ("breast cancer",), cross_references=("MESH:D001943",))
    knowledge_base = KnowledgeBase.from_concepts([disease])
    assert knowledge_base.resolve("D001943") is None
    assert knowledge_base.referring("mesh:D001943") == ("MONDO:0007254",)
    message = knowledge_base.explain_unknown("mesh:D001943")
    assert "identifiers look like MONDO:0007254; it is a cross-reference of MONDO:0007254 (breast cancer)" in message


def test_concepts_below_one_are_found_by_any_spelling_of_it():
    assert concepts_within(MIXED, below=["MESH:D001943"]) == {"D001943", "C565588"}
    with pytest.raises(ValueError, match="identifiers look like OMIM:208900 or D001943 or C565588"):
        concepts_within(MIXED, below=["MESH:D999999"])
