"""Names and concepts added and removed: the result is what is built of the changed concepts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import Concept, KnowledgeBase
from angel_hf.text.reading import NORMALIZATIONS, normalize
from tests.knowledge_base.examples import bearers, concept_lists
from tests.toy import CONCEPTS


def test_names_and_concepts_are_added_to_a_copy(knowledge_base):
    more = knowledge_base.with_names({"D001259": ["Dyssynergia", "ataxia"], "NEW": ["Dyssynergia"]})
    assert more.concept("D001259") == Concept(
        "D001259", ("Ataxia", "ataxia", "Incoordination", "Dyssynergia"), ("OMIM:1", "OMIM:2"), ("T184", "T047")
    )
    assert bearers(more)["Dyssynergia"] == ("D001259", "NEW")
    assert more.normalization == knowledge_base.normalization
    assert list(knowledge_base.concepts()) == CONCEPTS


def test_names_and_concepts_are_removed_from_a_copy(knowledge_base):
    fewer = knowledge_base.updated(remove={"D001260": ["Ataxia Telangiectasia"], "X1": ["A-T"]})[0]
    assert fewer.concept("D001260") == Concept(
        "D001260", ("Louis-Bar", "A-T"), ("OMIM:208900",), ("T047",), ("D001259",)
    )
    assert bearers(fewer)["A-T"] == ("D001260",)
    assert fewer.find("ataxia telangiectasia") is None
    others = knowledge_base.updated(remove_concepts=["D001260"])[0]
    assert list(others.concepts()) == [CONCEPTS[1], CONCEPTS[2]]
    assert others.resolve("OMIM:208900") is None
    assert list(knowledge_base.concepts()) == CONCEPTS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"remove": {"D001260": ["ataxia telangiectasia"]}},
            "concept 'D001260' has no name 'ataxia telangiectasia' to r",
        ),
        ({"remove": {"X9": ["A-T"]}}, "concept 'X9', from which something is to be removed, is not among the 3"),
        ({"remove": {"X1": "A-T"}}, "names to remove from concept 'X1' are 'A-T'; expected a list"),
        (
            {"remove": {"D001259": ["Ataxia", "Incoordination"]}},
            "concept 'D001259' would be left without names; to rem",
        ),
        ({"remove_concepts": ["OMIM:208900"]}, "concept 'OMIM:208900', from which .* are looked up with `resolve`"),
        ({"remove_concepts": "X1"}, "the concepts to remove are 'X1'; expected a list"),
        ({"remove_concepts": ["D001259", "D001260", "X1"]}, "no concept would be left; expected one at least"),
        ({"add": {"D1": [""]}}, "row 1: name '' of concept 'D1' is empty"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(knowledge_base, change, message):
    with pytest.raises(ValueError, match=message):
        knowledge_base.updated(**change)


@settings(deadline=None)
@given(concept_lists, concept_lists, st.sampled_from(NORMALIZATIONS), st.data())
def test_a_changed_knowledge_base_is_the_one_built_of_the_changed_concepts(concepts, more, normalization, data):
    """Table for table, and every entry is traced back to the one that it was."""
    old = KnowledgeBase.from_concepts(concepts, normalization)
    if data.draw(st.booleans(), "entries merged for a tokenizer"):
        groups = data.draw(st.lists(st.integers(0, 3), min_size=old.num_entries, max_size=old.num_entries))
        old = old.merge_entries(np.unique(groups, return_inverse=True)[1])
    removed = data.draw(st.sets(st.sampled_from(list(old.concept_ids))), "removed concepts")
    kept, removed_names = [], {}
    for concept in old.concepts():
        if concept.concept_id in removed:
            continue
        gone = data.draw(st.sets(st.sampled_from(concept.names), max_size=len(concept.names) - 1), "removed names")
        removed_names[concept.concept_id] = sorted(gone)
        kept.append(replace(concept, names=tuple(name for name in concept.names if name not in gone)))
    added = KnowledgeBase.from_concepts(more, normalization)
    expected = KnowledgeBase.from_concepts([*kept, *added.concepts()], normalization)
    changed, origin = old.updated(added, removed_names, removed)
    assert changed.fingerprint == expected.fingerprint
    for entry, name in enumerate(changed.entry_names()):
        found = old.find(name)
        assert origin[entry] == (-1 if found is None else found)


@pytest.mark.parametrize("known", ["Sjögren's Syndrome", "\N{KELVIN SIGN} Disease", "Ataxia, Friedreich"])
def test_a_spelling_of_a_known_form_is_added_to_its_entry_be_it_ascii_or_not(known):
    spelling = normalize(known, "lowercase-punctuation")
    before = KnowledgeBase.from_names({"C1": [known, "other"], "C2": ["third"]})
    after = before.with_names({"C2": [spelling]})
    rebuilt = KnowledgeBase.from_concepts(
        [Concept("C1", (known, "other")), Concept("C2", ("third",)), Concept("C2", (spelling,))]
    )
    assert after.fingerprint == rebuilt.fingerprint
    assert after.entry_concept_ids(after.find(known)) == ("C1", "C2")
