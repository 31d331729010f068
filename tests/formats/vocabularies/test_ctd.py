"""CTD's vocabularies: comment lines, the columns that one of them names, tabs and commas."""

import csv
import gzip
import io

import pytest

from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.ctd import is_ctd, read
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_text, rejections, terms

DISEASES = """# made up
# Fields:
# DiseaseName|DiseaseID|AltDiseaseIDs|Definition|ParentIDs|TreeNumbers|ParentTreeNumbers|Synonyms|SlimMappings
#
Green Fever|MESH:D900001|{0}|A "green" fever.|{1}|C01.1|C01|{2}|Infection
"Red" Fever|OMIM:900200
""".replace("|", "\t").format("DO:DOID:90|OMIM:900100", "MESH:D000001|MESH:D000002", "Fever, Green|Green Fevers")
FEVER = Term(
    Concept(
        "MESH:D900001",
        ("Green Fever", "Fever, Green", "Green Fevers"),
        ("DOID:90", "OMIM:900100"),
        ("Disease",),
        ("MESH:D000001", "MESH:D000002"),
    ),
    (),
    'A "green" fever.',
)
RED = Term(Concept("OMIM:900200", ('"Red" Fever',), (), ("Disease",)))
CHEMICALS = (
    "# Fields:\n# ChemicalName\tChemicalID\tCasRN\tPubChemCID\tDTXSID\tInChIKey\tDefinition\tParentIDs\tTreeNumbers\t"
    "ParentTreeNumbers\tMESHSynonyms\tCTDCuratedSynonyms\nGreenol\tMESH:C900001\t50-00-0\t712\tDTXSID7020637\t"
    "WSFSSNUMVMOOMR\t\tMESH:D000003\t\t\tgrn|2,3-green\tverdol\n"
)
GENES = """# Fields:
# GeneSymbol	GeneName	GeneID	AltGeneIDs	Synonyms	BioGRIDIDs	PharmGKBIDs	UniProtIDs
#
GRN1	green one	900001	900002	G1|GR-1		PA9	P90001
"""


def comma_separated(text: str) -> str:
    """The same as CTD's CSV: comments as they are, but for the columns."""
    lines = io.StringIO()
    for line in text.splitlines():
        if "\t" in line and line.startswith("#"):
            lines.write(line.replace("\t", ",") + "\n")
        elif "\t" in line:
            csv.writer(lines, lineterminator="\n").writerow(line.split("\t"))
        else:
            lines.write(line + "\n")
    return lines.getvalue()


@pytest.mark.parametrize("form", [str.encode, lambda text: comma_separated(text).encode()])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_diseases_in_each_form(form, pack):
    assert is_ctd(form(DISEASES).decode())
    assert read_text(read, pack(form(DISEASES))) == [FEVER, RED]


def test_diseases_under_a_plain_header():
    text = "".join(line.removeprefix("# ") + "\n" for line in DISEASES.splitlines()[2:] if line != "#")
    assert read_text(read, text) == [FEVER, RED]


def test_chemicals_and_genes_with_their_references():
    assert read_text(read, CHEMICALS) == [
        Term(
            Concept("MESH:C900001", ("Greenol", "grn", "2,3-green", "verdol"), (), ("Chemical",), ("MESH:D000003",)),
            ("CAS:50-00-0", "PUBCHEM.COMPOUND:712", "COMPTOX:DTXSID7020637", "INCHIKEY:WSFSSNUMVMOOMR"),
        )
    ]
    assert read_text(read, GENES) == [
        Term(
            Concept("900001", ("GRN1", "green one", "G1", "GR-1"), ("900002",), ("Gene",)),
            ("UNIPROT:P90001", "PHARMGKB.GENE:PA9"),
        )
    ]


def test_a_bad_row_costs_that_row():
    rows = "\tMESH:D1\nNo id\t\nSpace\tMESH: D1\nToo many" + "\tx" * 9 + "\nBlue Fever\tMESH:D2\n"
    items = read_text(read, (DISEASES + rows).encode() + b"F\xe9vre\tMESH:D3\n")
    assert list(terms(items)) == ["MESH:D900001", "OMIM:900200", "MESH:D2"]
    assert [(line, cause.split(";")[0][:32]) for line, cause in rejections(items)] == [
        (7, "DiseaseName is empty or no ident"),
        (8, "DiseaseID is empty or no identif"),
        (9, "DiseaseID is empty or no identif"),
        (10, "10 columns"),
        (12, "not UTF-8: byte 0xe9 at place 2 "),
    ]
