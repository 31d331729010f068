"""What an encoder is trained on."""

from angel_hf import Concept, KnowledgeBase, Mention
from angel_hf.formats.term import Term
from angel_hf.training import AnnotatedMention
from angel_hf.training.encoder.synonyms import Synonyms, vocabulary

KNOWLEDGE_BASE = KnowledgeBase.from_concepts(
    [
        Concept("D1", ("Wilson's Disease", "wilsons disease"), ("OMIM:1",)),
        Concept("D2", ("Gout",)),
        Concept("D3", ("Ataxia",)),
    ]
)
ONTOLOGY = [
    Term(Concept("DOID:1", ("hepatolenticular degeneration", "Wilson disease")), ("MESH:D1",)),
    Term(Concept("DOID:2", ("common cold", "Coryza", "common cold"))),
    Term(Concept("DOID:3", ("lonely name",))),
]


def annotated(surface, *identifiers):
    return AnnotatedMention(Mention(surface, 0, len(surface)), identifiers, "1")


def test_a_concept_has_its_names_those_of_ontologies_and_its_mentions():
    mentions = [
        annotated("copper disease", "OMIM:1"),
        annotated("Gouty Arthritis", "D2"),
        annotated("gouty-arthritis", "D2"),
        annotated("gout", "D2"),
        annotated("ataxia and gout", "D2", "D3"),
        annotated("unheard of", "D9"),
    ]
    found = vocabulary(KNOWLEDGE_BASE, [ONTOLOGY], mentions)
    assert found.own == (
        Synonyms(
            (
                "wilson s disease",
                "wilsons disease",
                "hepatolenticular degeneration",
                "wilson disease",
                "copper disease",
            ),
            ("copper disease",),
        ),
        Synonyms(("gout", "gouty arthritis"), ("gouty arthritis", "gout")),
    ), "Ataxia has one string alone"
    assert found.others == (
        Synonyms(("hepatolenticular degeneration", "wilson disease")),
        Synonyms(("common cold", "coryza")),
    )


def test_names_alone_are_enough():
    found = vocabulary(KNOWLEDGE_BASE, [], [])
    assert found.own == (Synonyms(("wilson s disease", "wilsons disease")),) and found.others == ()
