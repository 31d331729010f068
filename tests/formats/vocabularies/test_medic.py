"""MEDIC and BioSyn's dictionaries: identifiers, alternative identifiers and names; one bad name costs that name."""

import gzip

import pytest

from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.medic import read
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_file, read_text, rejections, terms

LINES = """C567755|613097||Tooth Agenesis, Selective, 6|STHAG6
145250||FPH2
D001|D002|77||Behcet&apos;s disease|Beh&#231;et disease
"""


def test_identifiers_alternatives_and_entities(tmp_path):
    expected = [
        Term(Concept("C567755", ("Tooth Agenesis, Selective, 6", "STHAG6"), ("OMIM:613097",), ("Disease",))),
        Term(Concept("OMIM:145250", ("FPH2",), (), ("Disease",))),
        Term(Concept("D001", ("Behcet's disease", "Behçet disease"), ("D002", "OMIM:77"), ("Disease",))),
    ]
    assert read_text(read, LINES) == expected
    assert read_text(read, gzip.compress(LINES.encode())) == expected
    assert read_text(read, LINES.replace("\n", "\r\n")) == expected


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("D1|only ids", "no `||` between the identifiers and the names"),
        ("D1||", "concept D1 has no name"),
        ("D1|| | ", "concept D1 has no name"),
        ("||name", "the identifier '' is empty"),
        ("D 1||name", "the identifier 'D 1' is empty or holds white space"),
    ],
)
def test_a_malformed_line_costs_that_line(line, cause):
    items = read_text(read, f"D0||good\n{line}\nD2||better\n")
    assert list(terms(items)) == ["D0", "D2"]
    ((number, told),) = rejections(items)
    assert number == 2 and told.startswith(cause) and "expected `ID" in told


@pytest.mark.parametrize(
    "names", ["Green Fever|Fever, Green|", "Green Fever||Fever, Green", "|Green Fever|Fever, Green"]
)
def test_an_empty_name_costs_that_name(names):
    items = read_text(read, f"D900001||{names}\nD900002||Blue Fever\n")
    assert terms(items)["D900001"].concept.names == ("Green Fever", "Fever, Green")
    ((line, cause),) = rejections(items)
    assert line == 1 and "D900001 has an empty name at place" in cause


def test_bytes_that_are_not_utf8_cost_their_line():
    items = read_text(read, b"D0||good\nD1||Beh\xe7et\nD2||better\n")
    assert list(terms(items)) == ["D0", "D2"]
    assert rejections(items)[0][0] == 2 and "not UTF-8: byte 0xe7" in rejections(items)[0][1]


def test_lines_of_one_name_are_one_concept_and_not_all_diseases():
    items = read_text(read, "D900001||green fever\nD900001||fever green\nD900002|123456||blue fever\n")
    assert items == [
        Term(Concept("D900001", ("green fever", "fever green"))),
        Term(Concept("D900002", ("blue fever",), ("OMIM:123456",))),
    ]


def test_digits_among_genes_are_no_omim_numbers():
    items = read_text(read, "672||brca1\n672||brcai\n7157|191170||tp53\n")
    assert [(term.concept.concept_id, term.concept.alternative_ids) for term in items] == [
        ("672", ()),
        ("7157", ("191170",)),
    ]


def test_the_whole_of_medic_counts_as_its_lines_do(shared_data):
    path = shared_data / "kb/medic_06Jul2012.txt"
    items = read_file(read, path)
    lines = [line.split("||", 1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(items) == len(lines) and rejections(items) == []
    # Of two spellings of a name that differ in white space or an entity only, one is kept.
    assert 0 <= sum(line[1].count("|") + 1 for line in lines) - sum(len(item.concept.names) for item in items) <= 20
    assert sum(len(item.concept.alternative_ids) for item in items) == sum(line[0].count("|") for line in lines)
