"""Cross-references: read from an ontology, stored, exported, taken from another vocabulary."""

import pytest

from angel_hf import Concept, KnowledgeBase
from angel_hf.formats.term import Term
from tests.toy import CONCEPTS

OBO = """format-version: 1.4

[Term]
id: X:1
name: breast cancer
xref: MeSH:D001943
xref: UMLS_CUI:C0006142 {source="a"}
xref: SNOMEDCT_US_2023_03_01:254837009

[Term]
id: X:2
name: ataxia
"""
MEDIC = [Concept("D001943", ("Breast Neoplasms",), ("OMIM:114480",)), Concept("D001259", ("Ataxia",))]
MONDO = [
    Term(Concept("MONDO:1", ("breast cancer",), ("MONDO:9",)), ("Orphanet:227535", "MESH:D001943", "UMLS:C0006142")),
    Term(Concept("MONDO:2", ("hereditary breast cancer",)), ("OMIM:114480",)),
    Term(Concept("MONDO:3", ("fever",)), ("UMLS:C0006142",)),
]


@pytest.fixture
def read(tmp_path):
    (tmp_path / "x.obo").write_text(OBO)
    return KnowledgeBase.from_file(tmp_path / "x.obo")


def test_an_ontologys_cross_references_are_stored_in_their_usual_form(read, tmp_path):
    expected = ("MESH:D001943", "UMLS:C0006142", "SNOMEDCT:254837009")
    read.to_parquet(tmp_path / "kb.parquet")
    for one in (read, KnowledgeBase.load(read.save(tmp_path)), KnowledgeBase.from_parquet(tmp_path / "kb.parquet")):
        assert one.concept("X:1").cross_references == expected
        assert one.concept("X:2").cross_references == ()
        assert one.fingerprint == read.fingerprint


def test_a_knowledge_base_without_cross_references_is_what_it_was():
    """The fingerprint was taken with the version that had no such column."""
    recorded = "afea588e0e9c820ee6777b48381842b812bf5dee8451aff75843d9b8c8462003"
    assert KnowledgeBase.from_concepts(CONCEPTS).fingerprint == recorded


def test_equivalents_are_alternative_ids_and_cross_references_once_each():
    concept = Concept("D001943", ("a",), ("OMIM:114480", "C535416"), cross_references=("OMIM:114480", "UMLS:C0006142"))
    expected = ("OMIM:114480", "MESH:C535416", "UMLS:C0006142")
    knowledge_base = KnowledgeBase.from_concepts([concept, Concept("D000001", ("b",))])
    assert knowledge_base.equivalents("MESH:D001943") == expected
    assert knowledge_base.mapped_ids(["D000001", "D001943", "D001943", "unknown"]) == expected
    assert knowledge_base.equivalents("D000001") == ()


def test_another_vocabulary_gives_its_identifiers_where_one_side_refers_to_the_other():
    crossed = KnowledgeBase.from_concepts(MEDIC).with_cross_references(MONDO)
    assert crossed.concept("D001943").cross_references == (
        "MONDO:1", "MONDO:9", "ORPHA:227535", "UMLS:C0006142", "MONDO:2",
    )  # fmt: skip
    assert crossed.concept("D001259").cross_references == ()
    assert list(crossed.names) == list(KnowledgeBase.from_concepts(MEDIC).names)


def test_a_cross_reference_of_the_concept_itself_is_followed():
    own = Concept("X:1", ("x",), cross_references=("MONDO:2",))
    assert KnowledgeBase.from_concepts([own]).with_cross_references(MONDO).concept("X:1").cross_references == (
        "MONDO:2", "OMIM:114480",
    )  # fmt: skip


def test_crossing_twice_changes_nothing_more_and_equals_building_of_the_concepts():
    once = KnowledgeBase.from_concepts(MEDIC).with_cross_references(MONDO)
    assert once.with_cross_references(MONDO).fingerprint == once.fingerprint
    assert KnowledgeBase.from_concepts(once.concepts()).fingerprint == once.fingerprint
    assert KnowledgeBase.from_concepts(MEDIC).with_cross_references([]).fingerprint == (
        KnowledgeBase.from_concepts(MEDIC).fingerprint
    )
