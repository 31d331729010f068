"""Two releases of a vocabulary compared, and stored identifiers brought from the one to the other."""

import pytest

from angel_hf import Concept, KnowledgeBase
from angel_hf.formats.ontologies import read_terms
from angel_hf.formats.term import Retired, Term
from angel_hf.knowledge_base.changes import KINDS, Change, compare
from angel_hf.knowledge_base.release import Release
from angel_hf.knowledge_base.renewal import Renewal

OLD = Release(
    [
        Concept("D000001", ("stays", "same"), parents=("D000010",), semantic_types=("T1",)),
        Concept("D000002", ("fever", "pyrexia"), parents=("D000003",)),
        Concept("D000003", ("merges away",)),
        Concept("D000004", ("is renumbered",)),
        Concept("D000005", ("is split",)),
        Concept("D000006", ("is gone",)),
        Concept("D000007", ("gives up an alternative",), ("D000077",)),
        Concept("D000008", ("merged long ago and again",)),
        Concept("D000010", ("all",)),
        Concept("OMIM:1", ("known by another vocabulary",), ("D000020",)),
    ]
)
NEW = Release(
    [
        Concept("MESH:D000001", ("stays", "same"), ("MESH:D000003",), ("T2",), ("MESH:D000010",)),
        Term(Concept("MESH:D000002", ("Fever", "pyrexia", "heat"), parents=("MESH:D000001",))),
        Concept("MESH:D000044", ("is renumbered",), ("MESH:D000004",)),
        Retired("MESH:D000005", ("MESH:D000051", "MESH:D000052")),
        Concept("MESH:D000051", ("split, one",)),
        Concept("MESH:D000052", ("split, two",)),
        Retired("MESH:D000006"),
        Concept("MESH:D000007", ("gives up an alternative",)),
        Concept("MESH:D000077", ("was an alternative",)),
        Retired("MESH:D000008", ("MESH:D000088",)),
        Retired("MESH:D000088", ("MESH:D000001",)),
        Concept("MESH:D000010", ("all",)),
        Concept("MESH:D000020", ("known by another vocabulary",)),
        Concept("MESH:D000099", ("is new",)),
    ]
)


def test_every_kind_of_change_is_told_once():
    assert list(compare(OLD, NEW)) == [
        Change("types", "D000001", "stays", ("T1",), ("T2",)),
        Change("renamed", "D000002", "fever", ("fever",), ("Fever",)),
        Change("names", "D000002", "fever", ("fever",), ("Fever", "heat")),
        Change("merged", "D000003", "merges away", (), ("MESH:D000001",)),
        Change("replaced", "D000004", "is renumbered", (), ("MESH:D000044",)),
        Change("split", "D000005", "is split", (), ("MESH:D000051", "MESH:D000052")),
        Change("removed", "D000006", "is gone"),
        Change("merged", "D000008", "merged long ago and again", (), ("MESH:D000001",)),
        Change("replaced", "OMIM:1", "known by another vocabulary", (), ("MESH:D000020",)),
        Change("split", "D000007", "gives up an alternative", (), ("MESH:D000007", "MESH:D000077")),
        Change("added", "MESH:D000099", "is new"),
    ]


def test_a_parent_that_moved_is_told_and_one_that_was_merged_is_not():
    """D000003, the parent of D000002, became D000001."""
    assert not [change for change in compare(OLD, NEW) if change.kind == "parents"]
    moved = Release([Concept("A", ("a",), parents=("B",)), Concept("B", ("b",)), Concept("C", ("c",))])
    after = Release([Concept("A", ("a",), parents=("C",)), Concept("B", ("b",)), Concept("C", ("c",))])
    assert list(compare(moved, after)) == [Change("parents", "A", "a", ("B",), ("C",))]


def test_what_a_release_has_not_at_all_is_no_loss():
    bare = Release([Concept("A", ("a",))])
    full = Release([Concept("A", ("a",), semantic_types=("T1",), parents=("B",))])
    assert list(compare(full, bare)) == list(compare(bare, full)) == []


def test_a_successor_that_may_not_mean_the_same_is_only_proposed():
    old = Release([Concept("D000001", ("a",)), Concept("D000002", ("b",))])
    new = Release([Concept("D000002", ("b",)), Retired("D000001", ("D000002",), is_exact=False)])
    assert list(compare(old, new)) == [Change("removed", "D000001", "a", (), ("D000002",))]
    renewed = Renewal(old, new).renew("D000001")
    assert (renewed.outcome, renewed.identifier, renewed.successors) == ("uncertain", "D000001", ("D000002",))


def test_retirements_in_a_circle_end():
    circle = Release([Concept("A", ("a",)), Retired("X", ("Y",)), Retired("Y", ("X",))])
    assert circle.current("X") == ()


def test_a_release_equals_itself_and_concepts_that_come_twice_are_one():
    twice = Release([Concept("A", ("a",)), Concept("A", ("b",), ("Z",))])
    once = Release([Concept("A", ("a", "b"), ("Z",))])
    assert list(compare(twice, once)) == list(compare(once, twice)) == list(compare(OLD, OLD)) == []


def test_medic_and_mesh_differ_by_their_sets_of_identifiers(shared_data):
    """Both spell MeSH's identifiers bare, and MeSH has no alternative ones, so that sets of strings tell the same."""
    medic, mesh = (
        [term.concept for term in read_terms(shared_data / "kb" / name)]
        for name in ("medic_06Jul2012.txt", "mesh_id_label_mappings.tsv.gz")
    )
    changes = list(compare(Release(medic), Release(mesh)))
    old, new = ({concept.concept_id for concept in concepts} for concepts in (medic, mesh))
    named = {concept.concept_id: concept.names[0] for concept in mesh}
    of_kind = {kind: [change for change in changes if change.kind == kind] for kind in KINDS}
    gone = [change.concept_id for kind in ("removed", "merged", "replaced", "split") for change in of_kind[kind]]
    assert sorted(gone) == sorted(old - new)
    assert {change.concept_id for change in of_kind["removed"]} == {
        concept.concept_id for concept in medic if new.isdisjoint((concept.concept_id, *concept.alternative_ids))
    }
    followed = {target for change in changes if change.kind in ("replaced", "split") for target in change.after}
    assert {change.concept_id for change in of_kind["added"]} == new - old - followed
    kept = {
        concept.concept_id for concept in medic if named.get(concept.concept_id, concept.names[0]) != concept.names[0]
    }
    assert {change.concept_id for change in of_kind["renamed"]} & new == kept


@pytest.mark.parametrize(
    ("identifier", "outcome", "written"),
    [
        ("D000001", "current", "D000001"),
        ("MESH:D000001", "current", "MESH:D000001"),
        ("D000003", "renewed", "MESH:D000001"),
        ("MESH:D000003", "renewed", "MESH:D000001"),
        (" mesh:D000004", "renewed", " mesh:D000044"),
        ("D000008", "renewed", "MESH:D000001"),
        ("OMIM:1", "renewed", "MESH:D000020"),
        ("D000005", "several", "D000005"),
        ("D000006", "retired", "D000006"),
        ("D000123", "unknown", "D000123"),
        ("MESH:D000123", "unknown", "MESH:D000123"),
        ("NCBIGene:672", "other", "NCBIGene:672"),
        ("672", "other", "672"),
        ("-1", "none", "-1"),
        ("MESH:-1", "none", "MESH:-1"),
        ("", "none", ""),
    ],
)
def test_a_stored_identifier_is_renewed_in_its_own_style_or_left(identifier, outcome, written):
    renewed = Renewal(OLD, NEW).renew(identifier)
    assert (renewed.outcome, renewed.identifier) == (outcome, written)


def test_bare_identifiers_stay_bare_where_the_new_release_is():
    new = Release([Concept("D000044", ("a",), ("D000004",)), Concept("D000001", ("b",))])
    assert Renewal(OLD, new).renew("D000004").identifier == "D000044"


def test_an_alternative_identifier_of_another_vocabulary_is_as_good_as_the_primary():
    medic = Release([Concept("OMIM:114480", ("breast neoplasms",), ("D001943",)), Concept("D000001", ("a",))])
    assert Renewal(medic, medic).renew("D001943").outcome == "current"


def test_a_built_knowledge_base_is_a_release(tmp_path):
    built = KnowledgeBase.from_concepts(OLD.concepts.values())
    assert list(compare(Release(built.concepts()), NEW)) == list(compare(OLD, NEW))
