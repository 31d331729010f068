"""MEDIC: identifiers, alternative identifiers and names, and errors that name the line."""

import gzip

import pytest

from angel_hf.formats.medic import read_medic
from angel_hf.types import Concept

LINES = """C567755|613097||Tooth Agenesis, Selective, 6|STHAG6
145250||FPH2
D001|D002|77||Behcet&apos;s disease|Beh&#231;et disease
"""


def test_identifiers_alternatives_and_entities(tmp_path):
    path = tmp_path / "medic.txt"
    path.write_text(LINES)
    expected = [
        Concept("C567755", ("Tooth Agenesis, Selective, 6", "STHAG6"), ("OMIM:613097",), ("Disease",)),
        Concept("OMIM:145250", ("FPH2",), (), ("Disease",)),
        Concept("D001", ("Behcet's disease", "Behçet disease"), ("D002", "OMIM:77"), ("Disease",)),
    ]
    assert list(read_medic(path)) == expected
    compressed = tmp_path / "medic.txt.gz"
    compressed.write_bytes(gzip.compress(LINES.encode()))
    assert list(read_medic(compressed)) == expected


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("D1|only ids", r"no `\|\|` between"),
        ("D1||", "concept D1 has an empty name at place 1 of 1"),
        ("D1||a||b", "concept D1 has an empty name at place 2 of 3"),
        ("||name", "the identifier '' is empty"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, line, cause):
    path = tmp_path / "bad.txt"
    path.write_text(f"D0||good\n{line}\n")
    with pytest.raises(ValueError, match=f"bad.txt:2: {cause}.*expected `ID"):
        list(read_medic(path))


def test_bytes_that_are_not_utf8_are_named(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"D0||good\nD1||Beh\xe7et\n")
    with pytest.raises(ValueError, match="latin.txt:2: not UTF-8"):
        list(read_medic(path))
