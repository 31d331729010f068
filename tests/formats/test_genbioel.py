"""GenBioEL's target_kb.json, and the recognition of every format of concepts."""

import gzip
import json
import re

import pytest

from angel_hf.formats.genbioel import read_genbioel
from angel_hf.formats.ontologies import read_concepts
from angel_hf.types import Concept


def write(path, content):
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["target_kb.json", "target_kb.json.gz"])
def test_each_member_is_a_concept_with_its_names_in_order(tmp_path, name):
    path = write(tmp_path / name, '{"D001260": ["ataxia telangiectasia", "louis bar syndrome"],\n "C1": ["β"]}')
    assert list(read_genbioel(path)) == [
        Concept("D001260", ("ataxia telangiectasia", "louis bar syndrome")),
        Concept("C1", ("β",)),
    ]


def test_a_concept_that_comes_twice_is_seen_twice(tmp_path):
    path = write(tmp_path / "target_kb.json", '{"D1": ["a"], "D1": ["b"]}')
    assert [concept.names for concept in read_genbioel(path)] == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"D1": ["a"],\n "D2": ["b"\n', ":3: not JSON (Expecting ',' delimiter"),
        ('[["D1", "a"]]', ": a JSON list; expected an object {concept_id: [name, ...]}"),
        ('{"D1": ["a"], "D2": "b"}', ": concept 2, 'D2', has 'b'; expected a list of names"),
        ('{"D1": {"name": "a"}}', ": concept 1, 'D1', has {'name': 'a'}; expected a list of names"),
        ('{"D1": ["a", null]}', ": concept 1, 'D1': its name 2 is None; expected text"),
        ('{"D1": ["a", " "]}', ": concept 1, 'D1': its name 2 is ' '; expected text"),
        ('{"D1": []}', ": concept 1, 'D1', has no names; expected at least one"),
        (b'{"D1": ["M\xfcller"]}', ": not UTF-8 ("),
    ],
)
def test_what_is_malformed_is_named_by_file_place_and_value(tmp_path, content, message):
    path = write(tmp_path / "target_kb.json", content)
    with pytest.raises(ValueError, match=re.escape(f"{path}{message}")):
        list(read_genbioel(path))


def test_the_released_file_is_read_whole(shared_data):
    path = shared_data / "genbioel/ncbi/target_kb.json"
    concepts = {concept.concept_id: list(concept.names) for concept in read_genbioel(path)}
    assert concepts == json.loads(path.read_text(encoding="utf-8"))
    assert "ataxia telangiectasia" in concepts["D001260"]


# Recognition


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "concept", "normalization"),
    [
        ('\n {"D1": ["a"]}', Concept("D1", ("a",)), "lowercase"),
        ("D1|OMIM:2||a|b\n", Concept("D1", ("a", "b"), ("OMIM:2",), ("Disease",)), "lowercase-punctuation"),
        ("D000001\ta\tb|c\tC14\t\n", Concept("D000001", ("a", "b", "c")), "lowercase-punctuation"),
        ("C000001\ta\t\tD000002\n", Concept("C000001", ("a",), parents=("D000002",)), "lowercase-punctuation"),
    ],
    ids=["genbioel", "medic", "mesh", "mesh-supplementary"],
)
def test_a_format_is_recognised_by_its_content_whatever_the_file_is_called(
    tmp_path, content, concept, normalization, suffix
):
    concepts, found = read_concepts(write(tmp_path / f"any.name{suffix}", content))
    assert (list(concepts), found) == ([concept], normalization)


@pytest.mark.parametrize(
    "content",
    ["", "12|t|A title || with bars\n12|a|Text", "name,size\n1,a\n", "1\t0\t4\tdrug\tChemical\tD1\n", "[1]", "||a\n"],
)
def test_an_unknown_format_is_refused_with_what_came_and_what_is_expected(tmp_path, content):
    path = write(tmp_path / "concepts.txt", content)
    first = repr(content.split("\n")[0])
    with pytest.raises(ValueError, match=re.escape(f"{path}: starts with {first}; expected GenBioEL's target_kb.json")):
        read_concepts(path)


def test_a_file_that_is_cut_short_or_only_named_gz_is_refused(tmp_path):
    for content in (b"D1||a\n", gzip.compress(b"D1||a\n" * 9)[:-9]):
        path = tmp_path / "medic.txt.gz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(f"{path}: not a whole gzip file")):
            read_concepts(path)


def test_a_byte_order_mark_is_not_taken_into_the_first_id(tmp_path):
    path = write(tmp_path / "medic.txt", "\ufeffD1||a\n")
    assert [concept.concept_id for concept in read_concepts(path)[0]] == ["D1"]


def test_every_released_file_is_recognised(shared_data):
    for name, normalization in {
        "genbioel/ncbi/target_kb.json": "lowercase",
        "kb/medic_06Jul2012.txt": "lowercase-punctuation",
        "kb/mesh_id_label_mappings.tsv.gz": "lowercase-punctuation",
        "kb/mesh_supp_id_label_mappings.tsv.gz": "lowercase-punctuation",
    }.items():
        concepts, found = read_concepts(shared_data / name)
        assert found == normalization
        assert next(concepts).names
