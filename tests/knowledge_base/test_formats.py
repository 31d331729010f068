"""Knowledge bases from files that others write: each format against a small file written by hand."""

import gzip
import json

import pytest

from angel_hf import Concept, KnowledgeBase

MEDIC = "D001259|OMIM:1|OMIM:2||Ataxia|Beh&ccedil;et &amp; Ataxia\n\n208900||A-T, classical|&beta;-form\n"
MEDIC_CONCEPTS = [
    Concept("D001259", ("Ataxia", "Behçet & Ataxia"), ("OMIM:1", "OMIM:2"), ("Disease",)),
    Concept("OMIM:208900", ("A-T, classical", "β-form"), (), ("Disease",)),
]
MESH = "D001260\tAtaxia Telangiectasia\tA-T|Louis-Bar\tC10.1.2\t\nD001259\tAtaxia\t\tC10.1\t\n"
MESH_CONCEPTS = [
    Concept("D001260", ("Ataxia Telangiectasia", "A-T", "Louis-Bar"), parents=("D001259",)),
    Concept("D001259", ("Ataxia",)),
]
SUPPLEMENTARY = "C537770\tFamilial ataxia\tX syndrome\tD001259,D001260\n"
GENBIOEL = {"D001259": ["ataxia", "a:b & c"], "D001260": ["ataxia telangiectasia"]}
GENBIOEL_CONCEPTS = [Concept(concept_id, tuple(names)) for concept_id, names in GENBIOEL.items()]


@pytest.mark.parametrize(
    ("file", "content", "expected", "normalization"),
    [
        ("medic.txt", MEDIC, MEDIC_CONCEPTS, "lowercase-punctuation"),
        ("mesh.tsv", MESH, MESH_CONCEPTS, "lowercase-punctuation"),
        (
            "supplementary.tsv",
            SUPPLEMENTARY,
            [Concept("C537770", ("Familial ataxia", "X syndrome"), parents=("D001259", "D001260"))],
            "lowercase-punctuation",
        ),
        ("target_kb.json", json.dumps(GENBIOEL), GENBIOEL_CONCEPTS, "lowercase"),
    ],
)
def test_a_file_is_recognised_by_what_is_in_it(tmp_path, file, content, expected, normalization):
    (tmp_path / file).write_text(content, encoding="utf-8")
    (tmp_path / f"{file}.gz").write_bytes(gzip.compress(content.encode()))
    for path in (tmp_path / file, str(tmp_path / f"{file}.gz")):
        knowledge_base = KnowledgeBase.from_file(path)
        assert list(knowledge_base.concepts()) == expected
        assert knowledge_base.normalization == normalization
    assert KnowledgeBase.from_file(tmp_path / file, "as-is").normalization == "as-is"


def test_a_genbioel_file_is_taken_as_normalised_already(tmp_path):
    (tmp_path / "target_kb.json").write_text(json.dumps(GENBIOEL))
    assert list(KnowledgeBase.from_file(tmp_path / "target_kb.json").entry_names())[1] == "a:b & c"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("kb.json", '{"D2": ["b\\u0007"]}', r"concept D2 has no name that can be used: 'b\\x07' holds the control"),
        ("kb.json", '{"D1": "ataxia"}', "1: concept 'D1' has 'ataxia'; expected a list of names"),
        ("kb.json", "{}", "the knowledge base has no names"),
        ("medic.txt", "D0||\nD1|a|b\nD2||\n", "1: concept D0 has no name"),
        ("kb.csv", "size,name\n", "its columns are size, name; expected a first line with the columns concept_id"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, file, content, message):
    path = tmp_path / file
    path.write_text(content)
    with pytest.raises(ValueError, match=f"^{path}: ?{message}"):
        KnowledgeBase.from_file(path)


@pytest.mark.parametrize("file", ["absent.txt", "absent.parquet", "absent.safetensors", "."])
def test_a_file_that_is_not_there_is_named(tmp_path, file):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        KnowledgeBase.from_file(tmp_path / file)
