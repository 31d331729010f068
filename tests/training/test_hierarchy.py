"""Parents from another file; names and answers stay."""

from angel_hf import AngelForEntityLinking, Concept, KnowledgeBase, Mention
from angel_hf.training.hierarchy import main, with_parents
from tests.conftest import SAMPLE

OWN = [
    Concept("D1", ("disease",)),
    Concept("D2", ("cancer", "neoplasm"), ("M2",)),
    Concept("D3", ("breast cancer",), parents=("D1",)),
    Concept("D4", ("anemia",)),
]
OTHER = [
    Concept("M2", ("x",), parents=("D1", "D9")),  # an alternative id, and a parent that is not known
    Concept("D3", ("y",), parents=("D2",)),  # has parents already
    Concept("D4", ("z",), parents=("D4", "M2", "D2")),  # itself, and one concept by two ids
    Concept("D8", ("unknown",), parents=("D1",)),
]


def test_concepts_get_the_parents_that_the_knowledge_base_has():
    own = KnowledgeBase.from_concepts(OWN)
    changed = with_parents(own, OTHER)
    assert [concept.parents for concept in changed.concepts()] == [(), ("D1",), ("D1",), ("D2",)]
    assert [(one.concept_id, one.names, one.alternative_ids) for one in changed.concepts()] == [
        (one.concept_id, one.names, one.alternative_ids) for one in own.concepts()
    ]


def test_the_command_changes_a_saved_model_and_no_answer(tmp_path):
    model = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny")
    model.set_knowledge_base(KnowledgeBase.from_concepts(Concept(f"D00000{n}", (f"name {n}",)) for n in range(1, 5)))
    model.save_pretrained(tmp_path / "model")
    mesh = tmp_path / "mesh.tsv"
    mesh.write_text("D000001\ta\t\tC04\t\nD000002\tb\t\tC04.1|C05\t\n")
    main(["--model", str(tmp_path / "model"), "--source", str(mesh)])
    changed = AngelForEntityLinking.from_pretrained(tmp_path / "model")
    assert changed.knowledge_base.concept("D000002").parents == ("D000001",)
    mention = Mention("name 3", 0, 6)
    assert changed.link(mention) == model.link(mention)
