"""Retired identifiers: one with a single successor stands for it, any other is told with what may replace it."""

import pytest

from angel_hf import Concept, KnowledgeBase
from angel_hf.cli.kb_files import terms_of
from angel_hf.formats.term import Retired

CONCEPTS = [Concept("A:1", ("fever",), ("A:10",)), Concept("A:2", ("ague",)), Concept("A:3", ("chill",))]
RETIRED = [
    Retired("A:91", ("A:1",)),
    Retired("A:92", ("A:91",)),  # whose successor was retired later
    Retired("A:93", ("A:10",)),  # an alternative id
    Retired("A:94", ("A:2", "A:3")),
    Retired("A:95", ("A:2",), is_exact=False),
    Retired("A:96", ("A:94",)),
    Retired("A:97"),
    Retired("A:98", ("A:99",)),
    Retired("A:99", ("A:98",)),  # in a circle
    Retired("A:2", ("A:1",)),  # in use nevertheless
]
RESOLVED = {"A:91": "A:1", "A:92": "A:1", "A:93": "A:1", "A:2": "A:2"}
TOLD = {"A:94": ("A:2", "A:3"), "A:95": ("A:2",), "A:96": ("A:2", "A:3"), "A:97": (), "A:98": (), "A:99": ()}


@pytest.fixture(params=["built", "stored", "updated"])
def knowledge_base(request, tmp_path):
    built = KnowledgeBase.from_concepts(CONCEPTS).with_retired(RETIRED)
    if request.param == "stored":
        return KnowledgeBase.load(built.save(tmp_path / "kb.safetensors"))
    return built.with_names({"A:4": ["new"]}) if request.param == "updated" else built


def test_one_with_a_single_successor_stands_for_it(knowledge_base):
    assert {one: knowledge_base.resolve(one) for one in RESOLVED} == RESOLVED
    assert knowledge_base.concept("A:1").alternative_ids == ("A:10", "A:91", "A:92", "A:93")


@pytest.mark.parametrize("concept_id", ["A:94", "A:95", "A:96"])
def test_any_other_does_not_resolve_and_is_told_with_what_may_replace_it(knowledge_base, concept_id):
    assert knowledge_base.resolve(concept_id) is None
    names = {"A:2": "A:2 (ague)", "A:3": "A:3 (chill)"}
    shown = ", ".join(names[one] for one in TOLD[concept_id])
    message = f"concept '{concept_id}' is retired; it may be replaced by {shown}: give one of these"
    assert knowledge_base.explain_unknown(concept_id) == message
    with pytest.raises(KeyError, match="is retired; it may be replaced by"):
        knowledge_base.concept(concept_id)


def test_one_without_successor_is_told(tmp_path):
    built = KnowledgeBase.from_concepts(CONCEPTS).with_retired(RETIRED)
    for knowledge_base in (built, KnowledgeBase.load(built.save(tmp_path / "kb.safetensors"))):
        for concept_id in ("A:97", "a:97", "A:98"):
            message = f"concept '{concept_id.upper()}' is retired, and nothing in the knowledge base replaces it"
            assert knowledge_base.explain_unknown(concept_id) == message
        assert {one.concept_id: one.successors for one in knowledge_base.retired()} == TOLD
        assert not any(one.is_exact for one in knowledge_base.retired())


def test_only_withdrawn_identifiers(tmp_path):
    built = KnowledgeBase.from_concepts(CONCEPTS).with_retired([Retired("A:97")])
    path = built.save(tmp_path / "kb.safetensors")
    assert [*KnowledgeBase.load(path).retired()] == [Retired("A:97", (), is_exact=False)]
    assert list(built.concepts()) == CONCEPTS


def test_nothing_changes_where_nothing_is_retired():
    built = KnowledgeBase.from_concepts(CONCEPTS)
    assert built.with_retired([]).fingerprint == built.fingerprint
    assert built.with_retired([Retired("A:2", ("A:1",))]).fingerprint == built.fingerprint


def test_a_file_and_what_is_built_of_it_tell_the_same(tmp_path):
    stanzas = ["[Term]\nid: A:1\nname: fever", "[Term]\nid: A:2\nname: ague"]
    stanzas.append("[Term]\nid: A:9\nname: old\nis_obsolete: true\nreplaced_by: A:1")
    stanzas.append("[Term]\nid: A:8\nname: older\nis_obsolete: true\nconsider: A:1\nconsider: A:2")
    (tmp_path / "a.obo").write_text("\n\n".join(stanzas))
    built = KnowledgeBase.from_file(tmp_path / "a.obo")
    built.save(tmp_path / "kb")
    built.to_parquet(tmp_path / "kb.parquet")
    for path in ("kb", "kb.parquet"):
        found = {one.concept_id: one for one in terms_of(tmp_path / path) if isinstance(one, Retired)}
        assert found == {"A:8": Retired("A:8", ("A:1", "A:2"), is_exact=False)}
        assert KnowledgeBase.from_file(tmp_path / path).resolve("A:9") == "A:1"
