"""The recognition of every format of concepts by its content, and the policy of what cannot be used."""

import gzip
import json
import logging
import re

import pytest

from angel_hf.formats import ontologies
from angel_hf.formats.ontologies import read_concepts, read_records, recognise
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.term import Term
from angel_hf.types import Concept

TERM = '{"id": "D1", "name": "a"}'
GRAPH = '{"graphs": [{"nodes": [{"id": "http://purl.obolibrary.org/obo/X_1", "lbl": "a"}]}]}'
OWL = (
    '<?xml version="1.0"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:owl="http://www.w3.org/2002/07/owl#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#">'
    '<owl:Class rdf:about="http://purl.obolibrary.org/obo/X_1"><rdfs:label>a</rdfs:label></owl:Class></rdf:RDF>'
)


def write(path, content):
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "concept", "normalization"),
    [
        ('\n {"D1": ["a"]}', Concept("D1", ("a",)), "lowercase"),
        ('{"D\\"1": ["a"]}', Concept('D"1', ("a",)), "lowercase"),
        ('{"D1": {"name": "a"}}', Concept("D1", ("a",)), "lowercase-punctuation"),
        (f"[\n{TERM}]", Concept("D1", ("a",)), "lowercase-punctuation"),
        (f"{TERM}\n{TERM}\n", Concept("D1", ("a",)), "lowercase-punctuation"),
        (TERM, Concept("D1", ("a",)), "lowercase-punctuation"),
        (GRAPH, Concept("X:1", ("a",)), "lowercase-punctuation"),
        (json.dumps(json.loads(GRAPH), indent=1), Concept("X:1", ("a",)), "lowercase-punctuation"),
        (OWL, Concept("X:1", ("a",)), "lowercase-punctuation"),
        ("ontology: x\n\n[Term]\nid: X:1\nname: a\n", Concept("X:1", ("a",)), "lowercase-punctuation"),
        ("D1|OMIM:2||a|b\n", Concept("D1", ("a", "b"), ("OMIM:2",)), "lowercase-punctuation"),
        ("D000001\ta\tb|c\tC14\t\n", Concept("D000001", ("a", "b", "c")), "lowercase-punctuation"),
        ("concept_id,name\nD1,a\n", Concept("D1", ("a",)), "lowercase-punctuation"),
    ],
)
def test_a_format_is_recognised_by_its_content_whatever_the_file_is_called(
    tmp_path, content, concept, normalization, suffix
):
    concepts, found = read_concepts(write(tmp_path / f"any.name{suffix}", content))
    first = next(concepts)
    assert (first.concept_id, first.names, first.alternative_ids, found) == (
        concept.concept_id,
        concept.names,
        concept.alternative_ids,
        normalization,
    )
    assert list(concepts)[1:] == []


@pytest.mark.parametrize(
    "content", ["", "12|t|A title || with bars\n12|a|Text", "1\t0\t4\tdrug\tChemical\tD1\n", "[1]", "<html></html>"]
)
def test_an_unknown_format_is_refused_with_what_came_and_what_is_expected(tmp_path, content):
    path = write(tmp_path / "concepts.txt", content)
    first = repr(content.split("\n")[0])
    with pytest.raises(ValueError, match=re.escape(f"{path}: starts with {first}; expected OBO, OBO Graphs JSON")):
        recognise(path)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("@prefix owl: <http://www.w3.org/2002/07/owl#> .\n", "is Turtle; expected RDF/XML: convert it first"),
        ("# made by x\n\nPREFIX : <http://x/>\n", "is Turtle; expected RDF/XML: convert it first"),
        (
            "Prefix(:=<http://x/>)\nOntology(<http://x>)\n",
            "is OWL in functional or Manchester syntax; expected RDF/XML",
        ),
        ('<?xml version="1.0"?>\n<Ontology xmlns="http://www.w3.org/2002/07/owl#"/>', "is OWL/XML; expected RDF/XML"),
    ],
)
def test_a_format_that_is_known_and_not_read_is_named(tmp_path, content, cause):
    path = write(tmp_path / "ontology.txt", content)
    (rejected,) = read_records(path)
    assert rejected.is_rest and rejected.cause.startswith(cause)


def test_a_file_that_is_cut_short_or_only_named_gz_is_refused(tmp_path):
    for content in (b"D1||a\n", gzip.compress(b"D1||a\n" * 9)[:-9]):
        path = tmp_path / "medic.txt.gz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(f"{path}: not a whole gzip file")):
            list(read_concepts(path)[0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("content", ["D1||a\n", '{"D1": ["a"]}', f"[{TERM}]", "[Term]\nid: D1\nname: a\n"])
def test_byte_order_marks_and_utf_16_are_read(tmp_path, content, encoding):
    path = write(tmp_path / "file", content.encode(encoding))
    assert [concept.concept_id for concept in read_concepts(path)[0]] == ["D1"]


def test_json_that_is_not_utf_8_is_refused_with_its_place(tmp_path):
    path = write(tmp_path / "kb.json", b'{"D1": ["a"],\n "D2": ["M\xfcller"]}')
    with pytest.raises(ValueError, match=re.escape(f"{path}: not UTF-8: byte 0xfc at place 25, in line 2")):
        list(read_concepts(path)[0])


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


def test_the_released_names_are_read_whole(shared_data):
    path = shared_data / "genbioel/ncbi/target_kb.json"
    concepts = {concept.concept_id: list(concept.names) for concept in read_concepts(path)[0]}
    assert concepts == json.loads(path.read_text(encoding="utf-8"))


# What cannot be used


BAD = {"P:1": ["green fever", ""], "P:2": ["blue\tfever"], "P:3": ["red fever", "scarlet\x00"], "P\n4": ["a"]}
BAD_CAUSES = [
    "concept 'P:1': its name 2 is ''; expected text",
    r"concept P:2 has no name that can be used: 'blue\tfever' holds the control character U+0009",
    r"the name 'scarlet\x00' of P:3 holds the control character U+0000",
    r"the concept id 'P\n4' of the names 'a' holds the control character U+000A",
]


def test_a_bad_name_costs_that_name_and_a_bad_concept_that_concept(tmp_path):
    path = write(tmp_path / "kb.json", json.dumps(BAD))
    rejections = Rejections()
    assert [one.names for one in read_concepts(path, rejections=rejections)[0]] == [("green fever",), ("red fever",)]
    assert rejections.count == len(BAD_CAUSES)
    for rejected, cause in zip(rejections.first, BAD_CAUSES, strict=True):
        assert str(rejected).startswith(str(path)) and cause in rejected.cause


def test_what_nobody_takes_is_told_in_the_log(tmp_path, caplog):
    path = write(tmp_path / "kb.json", json.dumps(BAD))
    with caplog.at_level(logging.WARNING, ontologies.usable.__module__):
        list(read_concepts(path)[0])
    assert "4 records or names were left out; the others were read" in caplog.text


def test_a_strict_reading_ends_at_the_first(tmp_path):
    path = write(tmp_path / "kb.json", json.dumps(BAD))
    with pytest.raises(ValueError, match=re.escape(f"{path}:1: {BAD_CAUSES[0]}")):
        list(read_concepts(path, rejections=Rejections(strict=True))[0])


def test_a_file_without_anything_to_use_is_an_error(tmp_path):
    path = write(tmp_path / "kb.json", json.dumps({"P:1": ["\t"], "P:2": "b", "P:3": []}))
    with pytest.raises(ValueError, match="P:1.*; and 2 more like it: nothing in the file can be used"):
        list(read_concepts(path)[0])


def test_terms_without_a_name_are_counted_and_no_fault(tmp_path):
    path = write(tmp_path / "x.obo", "[Term]\nid: A:1\nname: a\n\n[Term]\nid: BFO:1\n")
    rejections = Rejections(strict=True)
    assert list(ontologies.open_terms(path, rejections=rejections)[0]) == [Term(Concept("A:1", ("a",)))]
    assert (rejections.count, rejections.unnamed) == (0, 1)
    assert rejections.told() == "1 term without a name passed over, as ontologies allow them"
