"""MeSH mappings: names, parents from tree numbers or mapped descriptors, and errors that name the line."""

import gzip
import re

import pytest

from angel_hf.formats.mesh import read_mesh
from angel_hf.types import Concept

# `C14.280` stands before its parent `C14`, as happens in the released file.
DESCRIPTORS = (
    "D006331\tHeart Diseases\tCardiac Diseases|Diseases, Cardiac\tC14.280\t\n"
    "D002318\tCardiovascular Diseases\t\tC14\t\n"
    "D006330\tHeart Defects, Congenital\t\tC14.280.400|C16.131.240.400\t\n"
    "D068242\tPrunus domestica\tPlum Tree\tB01.875\t36595|88123\n"
)
SUPPLEMENTARY = "C000002\tbevonium\tpiperidinium benzilate\tD001561\nC000011\tazo-8-oxyquinoline\t\tD015125,D002318\n"


def write(path, text):
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["mesh.tsv", "mesh.tsv.gz"])
def test_a_descriptors_parents_own_its_tree_numbers_without_their_last_part(tmp_path, name):
    assert list(read_mesh(write(tmp_path / name, DESCRIPTORS))) == [
        Concept("D006331", ("Heart Diseases", "Cardiac Diseases", "Diseases, Cardiac"), parents=("D002318",)),
        Concept("D002318", ("Cardiovascular Diseases",)),
        Concept("D006330", ("Heart Defects, Congenital",), parents=("D006331",)),
        Concept("D068242", ("Prunus domestica", "Plum Tree")),
    ]


def test_a_supplementary_records_parents_are_the_descriptors_it_is_mapped_to(tmp_path):
    assert list(read_mesh(write(tmp_path / "supp.tsv", SUPPLEMENTARY))) == [
        Concept("C000002", ("bevonium", "piperidinium benzilate"), parents=("D001561",)),
        Concept("C000011", ("azo-8-oxyquinoline",), parents=("D015125", "D002318")),
    ]


def test_a_tab_inside_a_quoted_field_is_a_space_of_the_name(tmp_path):
    path = write(tmp_path / "supp.tsv", 'C483025\tAckr1\t"Dfy|ID: 13349\tchemokine"\tD004375\n')
    assert next(read_mesh(path)).names == ("Ackr1", "Dfy", "ID: 13349 chemokine")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("D1\tname\tsynonym\n", "3 columns in 'D1\\tname\\tsynonym'; expected `id, name, synonyms, tree numbers"),
        ("\tname\t\tC14\t\n", "an empty id or name in '\\tname\\t\\tC14\\t'; expected `id, name"),
        ("D1\t\tsynonym\tC14\t\n", "an empty id or name in 'D1\\t\\tsynonym\\tC14\\t'"),
        ("D1\tname\ta||b\tC14\t\n", "an empty id or name in 'D1\\tname\\ta||b\\tC14\\t'"),
        ('D1\t"name\tsynonym\tC14\t\n', "unexpected end of data; expected `id, name"),
    ],
)
def test_a_malformed_row_is_named_by_file_line_and_value(tmp_path, rows, message):
    path = write(tmp_path / "mesh.tsv", DESCRIPTORS + rows)
    with pytest.raises(ValueError, match=re.escape(f"{path}:5: {message}")):
        list(read_mesh(path))


def test_bytes_that_are_not_utf8_are_named_by_line(tmp_path):
    path = tmp_path / "mesh.tsv"
    path.write_bytes(DESCRIPTORS.encode() + b"D1\tM\xfcller\t\tC14\t\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}:5: not UTF-8")):
        list(read_mesh(path))


def test_released_descriptors_know_their_parents(shared_data):
    concepts = {concept.concept_id: concept for concept in read_mesh(shared_data / "kb/mesh_id_label_mappings.tsv.gz")}
    # Ataxia Telangiectasia stands at eight places of the tree, one of them under Spinocerebellar Ataxias.
    assert "Louis Bar Syndrome" in concepts["D001260"].names
    assert "D020754" in concepts["D001260"].parents
    assert all(parent in concepts for concept in concepts.values() for parent in concept.parents)


def test_released_supplementary_records_are_read_to_the_end(shared_data):
    concepts = list(read_mesh(shared_data / "kb/mesh_supp_id_label_mappings.tsv.gz"))
    assert concepts[0] == Concept(
        "C000002",
        ("bevonium", "2-(hydroxymethyl)-N,N-dimethylpiperidinium benzilate"),
        parents=("D001561",),
    )
    quoted = next(concept for concept in concepts if concept.concept_id == "C483025")
    assert quoted.parents == ("D004375", "D011956")
    assert not any("\t" in name for concept in concepts for name in concept.names)
