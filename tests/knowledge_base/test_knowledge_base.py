"""The knowledge base: what goes in comes out, spelled as it was, and what cannot be linked to stays out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import Concept, KnowledgeBase
from angel_hf.text.reading import NORMALIZATIONS, normalize
from tests.knowledge_base.examples import bearers, concept_lists
from tests.toy import CONCEPTS


def test_concepts_come_back_as_they_were_given(knowledge_base):
    assert list(knowledge_base.concepts()) == CONCEPTS
    assert knowledge_base.concept("X1") == CONCEPTS[2]
    assert list(knowledge_base.concept_ids) == ["D001260", "D001259", "X1"]


@pytest.mark.parametrize(
    ("normalization", "entries"),
    [("lowercase-punctuation", ["a t"]), ("lowercase", ["a-t", "a t"]), ("as-is", ["A-T", "a-t", "a t"])],
)
def test_the_normalization_is_stored_and_honoured(tmp_path, normalization, entries):
    built = KnowledgeBase.from_names({"D1": ["A-T", "a-t"], "D2": ["a t"]}, normalization)
    for knowledge_base in (built, KnowledgeBase.load(built.save(tmp_path))):
        assert knowledge_base.normalization == normalization
        assert list(knowledge_base.entry_names()) == entries
        assert knowledge_base.find("a t") == len(entries) - 1


def test_entries_of_some_concepts_are_those_that_stand_for_any_of_them(knowledge_base):
    for concept_ids in (["X1"], ["D001259", "X1"], [], ["absent"]):
        standing = [not set(own).isdisjoint(concept_ids) for own in bearers(knowledge_base).values()]
        assert knowledge_base.entries_of(concept_ids).tolist() == standing


def test_a_concept_or_name_that_comes_twice_is_merged():
    twice = [
        Concept("A", ("one", "one", "two"), ("a",)),
        Concept("B", ("two",)),
        Concept("A", ("three", "one"), ("b", "a")),
    ]
    merged = KnowledgeBase.from_concepts(twice)
    assert list(merged.concepts()) == [Concept("A", ("one", "two", "three"), ("a", "b")), Concept("B", ("two",))]


def test_the_preferred_name_is_the_first_of_its_concept_though_another_concept_had_it_before():
    knowledge_base = KnowledgeBase.from_names(
        {"A": ["first", "shared"], "B": ["own", "shared", "first"], "C": ["shared"]}
    )
    assert [concept.names[0] for concept in knowledge_base.concepts()] == ["first", "own", "shared"]
    assert set(knowledge_base.concept("B").names) == {"own", "shared", "first"}


# Merged for a tokenizer


def test_merged_entries_have_the_names_and_concepts_of_all(knowledge_base):
    merged = knowledge_base.merge_entries(np.array([0, 1, 2, 0, 1, 3]))
    assert bearers(merged) == {
        "Ataxia Telangiectasia": ("D001260", "D001259"),
        "Louis-Bar": ("D001260", "D001259", "X1"),
        "A-T": ("D001260", "X1"),
        "Maladie de Louis–Bar": ("X1",),
    }
    assert list(merged.names)[:5] == ["Ataxia Telangiectasia", "Ataxia", "Louis-Bar", "louis bar", "Incoordination"]
    assert (merged.find("ataxia"), merged.find("incoordination"), merged.find("a-t")) == (0, 1, 2)
    by_id = {concept.concept_id: concept for concept in merged.concepts()}
    for concept in CONCEPTS:
        assert by_id[concept.concept_id].names[0] == concept.names[0]
        assert set(by_id[concept.concept_id].names) == set(concept.names)
        assert by_id[concept.concept_id].parents == concept.parents
    assert merged.fingerprint != knowledge_base.fingerprint
    assert list(knowledge_base.concepts()) == CONCEPTS  # the old one is as it was


def test_a_merged_knowledge_base_is_saved_merged(knowledge_base, tmp_path):
    merged = knowledge_base.merge_entries(np.array([0, 0, 0, 1, 1, 1]))
    loaded = KnowledgeBase.load(merged.save(tmp_path))
    assert bearers(loaded) == bearers(merged)
    assert loaded.find("maladie de louis bar") == 1


# Refused


BAD_CONCEPTS = [
    (Concept("D1", ()), "row 2: concept 'D1' has no names; expected at least one"),
    (Concept("D1", ("a", "")), "row 2: name '' of concept 'D1' is empty; expected text"),
    (Concept("D1", (" \u00a0",)), r"row 2: name ' \\xa0' of concept 'D1' is empty"),
    (Concept("D1", (7,)), "row 2: name 7 of concept 'D1' is of type int; expected text"),
    (Concept("D1", (["a"],)), r"row 2: name \['a'\] of concept 'D1' is of type list; expected text"),
    (Concept("D1", "ataxia"), "row 2: names of concept 'D1' are 'ataxia'; expected a list of strings"),
    (Concept("D1", None), "row 2: names of concept 'D1' are None; expected a list of strings"),
    (Concept("D1", ("a\tb",)), r"row 2: name 'a\\tb' of concept 'D1' holds the control character U\+0009; remove it"),
    (Concept("D1", ("a\x00",)), r"row 2: .* holds the control character U\+0000"),
    (Concept("D1", ("a\x85b",)), r"row 2: .* holds the control character U\+0085"),
    (Concept("D1", ("\ud800",)), r"row 2: .* holds the control character U\+D800"),
    (Concept("", ("a",)), r"row 2: concept id '' for names \('a',\) is empty; expected text"),
    (Concept(" ", ("a",)), r"row 2: concept id ' ' for names \('a',\) is empty; expected text"),
    (Concept(None, ("a",)), r"row 2: concept id None for names \('a',\) is of type NoneType; expected text"),
    (Concept("D1\t", ("a",)), r"row 2: concept id 'D1\\t' for names \('a',\) holds the control character U\+0009"),
    (Concept("D1", ("a",), "OMIM:1"), "row 2: alternative_ids of concept 'D1' are 'OMIM:1'; expected a list"),
    (Concept("D1", ("a",), ("",)), "row 2: alternative_id '' of concept 'D1' is empty"),
    (Concept("D1", ("a",), (), (3,)), "row 2: semantic_type 3 of concept 'D1' is of type int"),
    (Concept("D1", ("a",), (), (), ("a\nb",)), r"row 2: parent 'a\\nb' of concept 'D1' holds the control character"),
]


@pytest.mark.parametrize(("concept", "message"), BAD_CONCEPTS)
def test_what_cannot_be_linked_to_is_refused_with_row_and_value(concept, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        KnowledgeBase.from_concepts([Concept("D0", ("good",)), concept])


@pytest.mark.parametrize("names", ["ataxia", None, 7])
def test_names_that_are_no_list_are_refused(names):
    with pytest.raises(ValueError, match=f"^row 2: names of concept 'D1' are {names!r}; expected a list of strings"):
        KnowledgeBase.from_names({"D0": ["good"], "D1": names})


def test_no_concepts_and_an_unknown_normalization_are_refused():
    with pytest.raises(
        ValueError, match="the knowledge base has no names; expected at least one concept with one name"
    ):
        KnowledgeBase.from_names({})

    def never_read():
        raise AssertionError("the concepts were read before the normalization was looked at")
        yield

    with pytest.raises(ValueError, match="unknown normalization 'upper'; expected one of"):
        KnowledgeBase.from_concepts(never_read(), "upper")


# Any spelling


UNICODE = [
    "Sjögren",
    "Sjo\u0308gren",
    "β-Thalassämie",
    "ΣΟΦΟΣ",
    "肝癌",
    "ハンチントン病",
    "🧬 defect",
    "𝛼-1",
    "İ",
    "ß",
    "a\u200bb",
]


def test_unicode_is_kept_and_composed_and_combining_marks_are_different_names(tmp_path):
    built = KnowledgeBase.from_names({f"C{row}": [name] for row, name in enumerate(UNICODE)})
    loaded = KnowledgeBase.load(built.save(tmp_path))
    assert list(loaded.names) == UNICODE
    assert [loaded.find(name) for name in UNICODE] == list(range(len(UNICODE)))


@settings(deadline=None)
@given(concept_lists, st.sampled_from(NORMALIZATIONS))
def test_any_concepts_survive_building_saving_and_exporting(tmp_path_factory, concepts, normalization):
    built = KnowledgeBase.from_concepts(concepts, normalization)
    folder = tmp_path_factory.mktemp("round")
    built.to_parquet(folder / "kb.parquet")
    loaded = KnowledgeBase.load(built.save(folder))

    names, bearing = {}, {}
    for concept in concepts:
        names.setdefault(concept.concept_id, {}).update(dict.fromkeys(concept.names))
        for name in concept.names:
            bearing.setdefault(normalize(name, normalization), set()).add(concept.concept_id)
    assert list(loaded.entry_names()) == list(bearing)
    for entry, (name, concept_ids) in enumerate(bearing.items()):
        assert loaded.find(name) == entry
        assert loaded.entry_concept_ids(entry) == tuple(own for own in names if own in concept_ids)
    for other in (loaded, KnowledgeBase.from_file(folder / "kb.parquet")):
        assert [concept.concept_id for concept in other.concepts()] == list(names)
        assert {concept.concept_id: set(concept.names) for concept in other.concepts()} == {
            concept_id: set(own) for concept_id, own in names.items()
        }
        assert [concept.names[0] for concept in other.concepts()] == [next(iter(own)) for own in names.values()]
        assert list(map(columns, other.concepts())) == list(map(columns, built.concepts()))
    assert loaded.fingerprint == built.fingerprint


def columns(concept: Concept) -> tuple:
    return concept.alternative_ids, concept.semantic_types, concept.parents
