"""MeSH XML, on records written after NLM's DTDs."""

import tracemalloc
from pathlib import Path
from xml.etree import ElementTree

import pytest

from angel_hf.formats.guarded import guarded
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.mesh_xml import read
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import FIXTURES, read_file, read_text, rejections, terms


def test_all_terms_of_a_descriptor_are_its_names_those_of_the_preferred_concept_first():
    items = read_file(read, FIXTURES / "desc.xml")
    assert terms(items)["D900002"] == Term(
        Concept("D900002", ("Green Fever", "Fever, Green & Pale", "Pale Green Fever"), parents=("D900001",)),
        ("CAS:50-00-0",),
        "A fever of green colour.",
    )
    tree = ElementTree.parse(FIXTURES / "desc.xml")
    strings = {one.text for one in tree.iterfind(".//Term/String")} | {"Coloured Fevers", "Fièvre"}
    assert {name for term in terms(items).values() for name in term.concept.names} == strings


def test_a_record_without_a_name_costs_that_record():
    items = read_file(read, FIXTURES / "desc.xml")
    assert list(terms(items)) == ["D900002", "D900001", "D900003"]
    lines = (FIXTURES / "desc.xml").read_text().splitlines()
    ((line, cause),) = rejections(items)
    assert "D900009" in lines[line] and cause.startswith("a DescriptorRecord without DescriptorName/String (D900009)")


def test_a_supplementary_record_stands_below_what_it_is_mapped_to():
    assert read_file(read, FIXTURES / "supp.xml") == [
        Term(
            Concept("C900001", ("Green fever type 7", "GF7"), parents=("D900002", "D900003")),
            ("UNII:AB12CD34EF",),
            "made up; one family",
        )
    ]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_declared_encodings_and_byte_order_marks_are_heeded(encoding):
    text = (FIXTURES / "desc.xml").read_text(encoding="utf-8")
    declared = {"latin-1": "ISO-8859-1", "utf-16": "UTF-16", "utf-8-sig": "UTF-8"}[encoding]
    data = text.replace('version="1.0"?', f'version="1.0" encoding="{declared}"?').encode(encoding)
    assert read_text(read, data) == read_file(read, FIXTURES / "desc.xml")


def test_a_file_that_is_cut_short_gives_what_came_before_and_tells_so(tmp_path):
    text = (FIXTURES / "supp.xml").read_text(encoding="utf-8")
    path = tmp_path / "supp.xml"
    path.write_text(text.replace("</SupplementalRecordSet>", "<SupplementalRecord>"), encoding="utf-8")
    with Source(path) as source:
        first, last = guarded(source, read)
    assert first.concept.concept_id == "C900001"
    assert last.is_rest and "not well-formed XML" in last.cause


def test_entities_neither_grow_nor_open_files(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for entities, use in ((f'<!ENTITY l0 "ha">{laughs}', "&l9;"), (f'<!ENTITY f SYSTEM "{secret.as_uri()}">', "&f;")):
        text = (FIXTURES / "supp.xml").read_text(encoding="utf-8").partition("?>")[2].partition(">")[2]
        data = f"<!DOCTYPE x [{entities}]>{text.replace('one family', use)}"
        with pytest.raises(ValueError, match="not well-formed XML"):
            read_text(read, data)


def test_memory_holds_one_supplementary_record():
    record = (FIXTURES / "supp.xml").read_text(encoding="utf-8").partition('"eng">')[2].rpartition("</Supp")[0]
    data = f"<SupplementalRecordSet>{record * 1000}</SupplementalRecordSet>".encode()

    class Stream:
        """Bytes as a pipe gives them."""

        def __init__(self):
            self.at = 0

        def read(self, size):
            self.at += size
            return data[self.at - size : self.at]

    source = Source(Path("supp.xml"), Stream())
    tracemalloc.start()
    count = sum(1 for _ in read(source))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 1000 and len(data) > 1_200_000
    assert peak < 700_000
