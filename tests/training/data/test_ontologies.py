"""Terms are joined where all that points from them agrees, and bring only names that the knowledge base lacks."""

import pytest

from angel_hf import KnowledgeBase
from angel_hf.formats.term import Term
from angel_hf.training.data.ontologies import join_ontologies
from angel_hf.types import Concept


def term(concept_id, *names, references=()):
    return Term(Concept(concept_id, names), tuple(references))


@pytest.mark.parametrize(
    ("joined", "concept_id"),
    [
        (term("X:1", "lack of red cells", references=["MESH:D4"]), "D4"),
        (term("X:1", "tumour of skin", references=["OMIM:1"]), "D1"),
        (term("D4", "lack of red cells"), "D4"),
        (term("MESH:D4", "lack of red cells"), "D4"),
        (term("X:1", "Anemia", "lack of red cells"), "D4"),
        (term("X:1", "Deafness", "lack of red cells", references=["MESH:D4"]), "D4"),
        (term("X:1", "unheard of", references=["MESH:D999"]), None),
        (term("X:1", "either", references=["MESH:D4", "MESH:D5"]), None),
        (term("X:1", "Anemia", "Deafness", "either"), None),
    ],
)
def test_a_term_means_one_concept_or_none(knowledge_base, joined, concept_id):
    found = join_ontologies(knowledge_base, [[joined]])
    assert found == ({} if concept_id is None else {concept_id: (joined.concept.names[-1].lower(),)})


def test_references_shared_with_a_joined_term_lead_on(knowledge_base):
    bridge = term("MONDO:1", "wilson", references=["MESH:D2", "UMLS_CUI:C1", "SNOMEDCT_US_2023_03_01:7", "UMLS:C2"])
    contested = term("MONDO:2", "hearing trouble", references=["MESH:D3", "UMLS:C2"])
    far = [
        term("HP:1", "copper storage", references=["UMLS:C1"]),
        term("HP:2", "copper liver", references=["SCTID:7"]),
        term("HP:3", "either of two", references=["UMLS:C2"]),
    ]
    found = join_ontologies(knowledge_base, [[bridge, contested], far])
    assert found == {"D2": ("wilson", "copper storage", "copper liver"), "D3": ("hearing trouble",)}


def test_names_that_the_knowledge_base_has_are_no_news_and_no_contradiction():
    knowledge_base = KnowledgeBase.from_concepts([Concept("D1", ("Skin Cancer",)), Concept("D2", ("Melanoma",))])
    joined = term("X:1", "skin cancer", "MELANOMA", "Skin-Cancer", "cutis cancer", references=["MESH:D1"])
    assert join_ontologies(knowledge_base, [[joined]]) == {"D1": ("cutis cancer",)}


@pytest.mark.parametrize("namespace", ["SCTID", "SNOMEDCT_US", "SNOMEDCT_US_2023_03_01"])
def test_bare_identifiers_of_snomed_ct_are_met(namespace):
    knowledge_base = KnowledgeBase.from_concepts([Concept("271681002", ("stomach ache",))])
    joined = term("X:1", "sore tummy", references=[f"{namespace}:271681002"])
    assert join_ontologies(knowledge_base, [[joined]]) == {"271681002": ("sore tummy",)}
