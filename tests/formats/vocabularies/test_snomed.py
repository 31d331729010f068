"""SNOMED CT's snapshot: names by language reference set, is-a, semantic tags, and what became of inactive concepts."""

import pytest

from angel_hf.formats.selection import Selection
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.snomed import read_folder
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import rejections, retired, terms
from tests.formats.vocabularies.snomed_release import write_release

FEVER = Term(
    Concept(
        "90001",
        ("Fever of green color", "Fever of green colour", "Green fever"),
        semantic_types=("disorder",),
        parents=("90002",),
    ),
    definition="A fever of green colour.",
)


@pytest.mark.parametrize("part", [".", "Snapshot"])
def test_active_concepts_with_accepted_names(tmp_path, part):
    items = list(read_folder(write_release(tmp_path) / part))
    assert terms(items) == {
        "90001": FEVER,
        "90002": Term(Concept("90002", ('Coloured "fever"',), semantic_types=("finding",))),
        "90003": Term(Concept("90003", ("Green liver",), semantic_types=("body structure",))),
    }
    assert rejections(items) == []


def test_inactive_concepts_have_their_surest_successors(tmp_path):
    items = list(read_folder(write_release(tmp_path)))
    assert {item.concept_id for item in items if isinstance(item, Retired) and not item.is_exact} == {"90005"}
    assert retired(items) == {
        "90004": ("90001",),
        "90005": ("90001", "90003"),
        "90006": (),
        "90008": (),
    }


def test_the_terminology_folder_alone_has_all_active_names(tmp_path):
    found = terms(list(read_folder(write_release(tmp_path) / "Snapshot" / "Terminology")))
    names = ("Fever of green color", "Fever of green colour", "Accepted by none", "Green fever")
    assert found["90001"].concept.names == names


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(languages=("en-GB",)), ("Fever of green colour", "Fever of green color", "Green fever")),
        (Selection(languages=("en-US",)), ("Fever of green color", "Green fever")),
        (Selection(languages=("SPA",)), ("fiebre verde",)),
        (Selection(semantic_types=("disorder",)), FEVER.concept.names),
    ],
)
def test_languages_dialects_and_semantic_tags_are_chosen(tmp_path, selection, names):
    found = terms(list(read_folder(write_release(tmp_path), selection)))
    assert found["90001"].concept.names == names
    assert ("90003" in found) == (selection.languages[:1] in (("en-GB",), ("en-US",)))


@pytest.mark.parametrize(
    ("prepare", "selection", "message"),
    [
        (lambda path: write_release(path, "Full"), Selection(), "holds Full files of SNOMED CT; expected its Snapshot"),
        (lambda path: path, Selection(), "holds no sct2_Concept_Snapshot file; expected a release"),
        (write_release, Selection(languages=("de",)), "no description is in de .* languages that are there: en, es"),
    ],
)
def test_what_is_not_there_is_told(tmp_path, prepare, selection, message):
    prepare(tmp_path)
    with pytest.raises(ValueError, match=message):
        list(read_folder(tmp_path, selection))


def test_a_bad_row_costs_that_row_and_a_missing_column_the_release(tmp_path):
    path = write_release(tmp_path) / "Snapshot/Terminology/sct2_Description_Snapshot-en_INT_20260101.txt"
    path.write_bytes(path.read_bytes() + b"109\t2026\n" + b"11x\t2026\t1\tm\t90001\ten\tt\tname\tc\r\n")
    items = list(read_folder(tmp_path))
    assert terms(items)["90001"] == FEVER
    assert rejections(items) == [
        (10, "2 columns; expected 9, as the first line names"),
        (11, "the identifier '11x'; expected digits"),
    ]
    path.write_text("id\tactive\tterm\n")
    with pytest.raises(ValueError, match="its first line is .*; expected columns conceptId, languageCode, typeId"):
        list(read_folder(tmp_path))
