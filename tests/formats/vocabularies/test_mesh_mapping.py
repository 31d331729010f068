"""MeSH mappings: names, parents from tree numbers or mapped descriptors; one bad row costs one row."""

import csv
import gzip

import pytest

from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.mesh_mapping import read
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_file, read_text, rejections, terms

# `C14.280` stands before its parent `C14`, as happens in the released file.
DESCRIPTORS = (
    "D006331\tHeart Diseases\tCardiac Diseases|Diseases, Cardiac\tC14.280\t\n"
    "D002318\tCardiovascular Diseases\t\tC14\t\n"
    "D006330\tHeart Defects, Congenital\t\tC14.280.400|C16.131.240.400\t\n"
    "D068242\tPrunus domestica\tPlum Tree\tB01.875\t36595|88123\n"
)
SUPPLEMENTARY = "C000002\tbevonium\tpiperidinium benzilate\tD001561\nC000011\tazo-8-oxyquinoline\t\tD015125,D002318\n"


@pytest.mark.parametrize("prefix", ["", "MESH:"])
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_a_descriptors_parents_own_its_tree_numbers_without_their_last_part(pack, prefix):
    text = "".join(prefix + line for line in DESCRIPTORS.splitlines(keepends=True))
    assert read_text(read, pack(text)) == [
        Term(
            Concept(
                f"{prefix}D006331",
                ("Heart Diseases", "Cardiac Diseases", "Diseases, Cardiac"),
                parents=(f"{prefix}D002318",),
            )
        ),
        Term(Concept(f"{prefix}D002318", ("Cardiovascular Diseases",))),
        Term(Concept(f"{prefix}D006330", ("Heart Defects, Congenital",), parents=(f"{prefix}D006331",))),
        Term(Concept(f"{prefix}D068242", ("Prunus domestica", "Plum Tree")), ("NCBITaxon:36595", "NCBITaxon:88123")),
    ]


def test_a_supplementary_records_parents_are_the_descriptors_it_is_mapped_to():
    assert read_text(read, SUPPLEMENTARY) == [
        Term(Concept("C000002", ("bevonium", "piperidinium benzilate"), parents=("D001561",))),
        Term(Concept("C000011", ("azo-8-oxyquinoline",), parents=("D015125", "D002318"))),
    ]


def test_a_tab_inside_a_quoted_field_is_a_space_of_the_name():
    (item,) = read_text(read, 'C483025\tAckr1\t"Dfy|ID: 13349\tchemokine"\tD004375\n')
    assert item.concept.names == ("Ackr1", "Dfy", "ID: 13349 chemokine")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("D1\tname\tsynonym\n", "3 columns in 'D1\\tname\\tsynonym'; expected `id, name, synonyms, tree numbers"),
        ("\tname\t\tC14\t\n", "an empty id or name in '\\tname\\t\\tC14\\t'; expected `id, name"),
        ("D1\t\tsynonym\tC14\t\n", "an empty id or name in 'D1\\t\\tsynonym\\tC14\\t'"),
        ('D1\t"name\tsynonym\tC14\t\n', "a cell opens with a quotation mark that is not closed"),
        (b"D1\tM\xfcller\t\tC14\t\n", "not UTF-8: byte 0xfc"),
    ],
)
def test_a_malformed_row_costs_that_row(row, message):
    data = row if isinstance(row, bytes) else row.encode()
    items = read_text(read, DESCRIPTORS.encode() + data + SUPPLEMENTARY.encode())
    ((line, cause),) = rejections(items)
    assert (line, cause[: len(message)]) == (5, message)
    assert len(terms(items)) == 6


def test_an_empty_synonym_costs_that_name():
    items = read_text(read, DESCRIPTORS + "D1\tname\ta||b\tC14\t\n")
    assert terms(items)["D1"].concept.names == ("name", "a", "b")
    assert rejections(items) == [(5, "D1 has an empty name among its synonyms; its other names are read")]


def test_released_descriptors_know_their_parents(shared_data):
    found = terms(read_file(read, shared_data / "kb/mesh_id_label_mappings.tsv.gz"))
    # Ataxia Telangiectasia stands at eight places of the tree, one of them under Spinocerebellar Ataxias.
    assert "Louis Bar Syndrome" in found["D001260"].concept.names
    assert "D020754" in found["D001260"].concept.parents
    assert all(parent in found for term in found.values() for parent in term.concept.parents)


@pytest.mark.parametrize(
    "file",
    ["mesh_id_label_mappings.tsv.gz", pytest.param("mesh_supp_id_label_mappings.tsv.gz", marks=pytest.mark.slow)],
)
def test_released_mappings_are_read_as_the_csv_module_reads_them(shared_data, file):
    path = shared_data / "kb" / file
    items = read_file(read, path)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t"))
    assert rejections(items) == []
    expected = {row[0]: {" ".join(name.split()) for name in (row[1], *row[2].split("|")) if name} for row in rows}
    assert {term.concept.concept_id: set(term.concept.names) for term in items} == expected
