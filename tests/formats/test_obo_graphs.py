"""OBO Graphs JSON: a bad node or edge costs that one."""

import json

import pytest

from angel_hf.formats import obo_graphs
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.types import Concept
from tests.formats.reading import causes, only, records_of


def read(*graphs):
    return records_of(obo_graphs.read, json.dumps({"@context": {}, "graphs": graphs}))


def node(number, **fields):
    return {"id": f"http://purl.obolibrary.org/obo/X_{number}", "lbl": "a", **fields}


GOOD = Term(Concept("X:1", ("a",)))


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (7, "is 7; expected a node"),
        ({"lbl": "a"}, "has no id; expected a node"),
        (node(2, lbl=["a"]), "expected a node"),
        (node(2, meta=[1]), "expected a node"),
        (node(2, meta={"synonyms": "colitis"}), "synonyms is 'colitis'; expected a list of objects"),
        (node(2, meta={"synonyms": [{"pred": "hasExactSynonym"}]}), "expected an object with a text `val`"),
        (node(2, meta={"xrefs": [{"val": 7}]}), "expected an object with a text `val`"),
    ],
)
def test_a_bad_node_costs_that_node(bad, cause):
    records = read({"nodes": [node(1), bad]})
    ((line, told),) = causes(records)
    assert line == 1 and told.startswith("node 2: ") and cause in told
    assert only(Term, records) == [GOOD]


def test_a_bad_edge_costs_that_edge():
    edges = [{"sub": "X:1", "pred": "is_a", "obj": "X:2"}, {"sub": "X:1", "pred": "is_a"}, 7]
    records = read({"nodes": [node(1)], "edges": edges})
    assert [cause[:7] for _, cause in causes(records)] == ["edge 2:", "edge 3:"]
    assert only(Term, records) == [Term(Concept("X:1", ("a",), parents=("X:2",)))]


def test_nodes_of_all_graphs_with_empty_parts():
    graphs = (
        {"nodes": None, "edges": None},
        {"nodes": [node(1, meta=None, type=None)]},
        {"edges": [], "nodes": []},
        {},
    )
    assert read(*graphs) == [GOOD]


def test_properties_stubs_and_retired_nodes():
    stub = {"id": "http://purl.obolibrary.org/obo/BFO_1"}
    records = read({"nodes": [node(1), node(2, type="PROPERTY"), stub, node(3, meta={"deprecated": True})]})
    assert records == [Unnamed("BFO:1"), Retired("X:3", (), is_exact=False), GOOD]


def test_obsolete_synonyms_are_no_names():
    synonyms = [
        {"pred": "hasExactSynonym", "val": "old", "synonymType": "http://purl.obolibrary.org/obo/hp#obsolete_synonym"},
        {"pred": "http://www.geneontology.org/formats/oboInOwl#hasExactSynonym", "val": "b"},
    ]
    assert read({"nodes": [node(1, meta={"synonyms": synonyms})]}) == [Term(Concept("X:1", ("a", "b")))]


@pytest.mark.parametrize("tail", ["", "]", ']}, {"nodes": 7}]', "x", "[" * 100_000])
def test_a_file_that_breaks_off_is_told(tail):
    text = '{"graphs": [{"nodes": [{"id": "X:1", "lbl": "a"}' + (f", {tail}" if tail.startswith("[") else tail)
    assert records_of(obo_graphs.read, text)[-1].is_rest
