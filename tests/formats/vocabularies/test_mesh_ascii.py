"""MeSH ASCII, on records written after NLM's description of its elements."""

from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.mesh_ascii import read
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_file, read_text, rejections, terms

DESCRIPTORS = """*NEWRECORD
RECTYPE = D
MH = Green Fever
AQ = MU
PRINT ENTRY = Pale Green Fever|T047|NON|NRW|NLM (2026)|260101|abbcdef
ENTRY = Fever, Green|T047|NON|EQV|NLM (2026)|260101|abbcdef
ENTRY = Verdant Fever
MN = C90.100
ST = T047
RN = EC 1.1.1.1
MS = A fever of green colour.
UI = D900002

*NEWRECORD
RECTYPE = D
MH = Coloured Fevers
MN = C90
AN =
UI = D900001
"""
SUPPLEMENTARY = """*NEWRECORD
RECTYPE = C
NM = Green fever type 7
RN = 0
SY = GF7|T047|ABB|EQV|NLM (2026)|260101|abbcdef
HM = *Green Fever
HM = Coloured Fevers/genetics
HM = Unheard Of
NO = made up; one family
UI = C900001
"""


def test_entry_terms_are_names_without_their_attributes():
    assert read_text(read, DESCRIPTORS) == [
        Term(
            Concept(
                "D900002",
                ("Green Fever", "Pale Green Fever", "Fever, Green", "Verdant Fever"),
                semantic_types=("T047",),
                parents=("D900001",),
            ),
            ("EC:1.1.1.1",),
            "A fever of green colour.",
        ),
        Term(Concept("D900001", ("Coloured Fevers",))),
    ]


def test_headings_that_a_record_is_mapped_to_are_found_in_the_file_beside_it(tmp_path):
    (tmp_path / "c2026.bin").write_text(SUPPLEMENTARY)
    alone = read_file(read, tmp_path / "c2026.bin")
    assert alone == [Term(Concept("C900001", ("Green fever type 7", "GF7")), (), "made up; one family")]
    (tmp_path / "d2026.bin").write_text(DESCRIPTORS)
    (term,) = read_file(read, tmp_path / "c2026.bin")
    assert term.concept.parents == ("D900002", "D900001")


def test_a_bad_record_costs_that_record_and_a_bad_line_that_line():
    text = DESCRIPTORS + "*NEWRECORD\nMH = Nameless id\n\n*NEWRECORD\nMH = Red Fever\nwhat is this\nUI = D900003\n"
    items = read_text(read, text.encode() + b"ENTRY = F\xe9vre\nENTRY = Fever, Red\n")
    assert terms(items)["D900003"].concept.names == ("Red Fever", "Fever, Red")
    assert [(line, cause[:40]) for line, cause in rejections(items)] == [
        (20, "a record without UI ('Nameless id'); exp"),
        (25, "'what is this'; expected `ELEMENT = valu"),
        (27, "not UTF-8: byte 0xe9 at place 10 of the "),
    ]
