"""The UMLS Metathesaurus: names, filters, types, parents, definitions and retired identifiers."""

import csv
import random
import tracemalloc
from collections import defaultdict

import pytest

from angel_hf.formats.selection import Selection
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.umls.metathesaurus import read, read_folder
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_file, read_text, rejections, retired, terms
from tests.formats.vocabularies.umls_release import CONCEPTS, FILES, write_release


@pytest.mark.parametrize("packed", [False, True])
def test_a_release_with_all_its_files(tmp_path, packed):
    write_release(tmp_path / "META", packed=packed)
    for folder in (tmp_path, tmp_path / "META"):
        items = list(read_folder(folder))
        assert terms(items) == {
            "C9000001": Term(
                Concept(
                    "C9000001",
                    # The order of MRRANK, which puts UMLS's own name first.
                    ("Green Fever of Mars", "Green Fever", "Verdant fever (disorder)", "Fever, Green"),
                    semantic_types=("T047", "T184"),
                    parents=("C9000002", "C9000009"),
                ),
                ("MSH:D900001", "SNOMEDCT_US:456"),
                "A fever of green colour.",
            ),
            "C9000002": Term(Concept("C9000002", ("Coloured Fevers",), semantic_types=("T047",)), ("MSH:D900002",)),
            "C9000003": Term(
                Concept("C9000003", ("GRN1 gene",), semantic_types=("T028",), parents=("C9000009",)), ("HGNC:5",)
            ),
        }
        assert retired(items) == {
            "C9100001": ("C9000001",),
            "C9100002": ("C9000002", "C9000003"),
            "C9100003": (),
        }
        assert {item.concept_id for item in items if isinstance(item, Retired) and not item.is_exact} == {"C9100002"}
        assert rejections(items) == []


def test_names_alone_have_the_preferred_term_first():
    found = terms(read_text(read, CONCEPTS))
    assert found["C9000001"].concept.names == (
        "Green Fever",
        "Fever, Green",
        "Green Fever of Mars",
        "Verdant fever (disorder)",
    )
    assert list(found) == ["C9000001", "C9000002", "C9000003"]


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(languages=("de",)), {"C9000001": ("Grünfieber",), "C9000004": ("Nur deutsch",)}),
        (
            Selection(languages=("GER", "ENG"), sources=("MSHGER",)),
            {"C9000001": ("Grünfieber",), "C9000004": ("Nur deutsch",)},
        ),
        (Selection(sources=("SNOMEDCT_US",)), {"C9000001": ("Verdant fever (disorder)",)}),
        (
            Selection(term_types=("MH", "PM"), semantic_types=("Sign or Symptom",)),
            {"C9000001": ("Green Fever", "Fever, Green")},
        ),
        (Selection(semantic_groups=("GENE",)), {"C9000003": ("GRN1 gene",)}),
        (Selection(semantic_groups=("genes & molecular sequences",)), {"C9000003": ("GRN1 gene",)}),
        (
            Selection(semantic_types=("T184",), sources=("MSH",), suppressed=True),
            {"C9000001": ("Green Fever", "Fever, Green", "grn fvr")},
        ),
    ],
)
def test_what_is_selected_is_read(tmp_path, selection, names):
    found = terms(list(read_folder(write_release(tmp_path), selection)))
    assert {one: term.concept.names for one, term in found.items()} == names


def test_parents_are_those_of_the_selected_sources(tmp_path):
    found = terms(list(read_folder(write_release(tmp_path), Selection(sources=("MSH",)))))
    assert found["C9000001"].concept.parents == ("C9000002",)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(languages=("xx",)), "unknown language 'xx'; expected one such as"),
        (Selection(semantic_groups=("DISEASES",)), r"unknown semantic group 'DISEASES'; expected one of ACTI \(Act"),
        (Selection(semantic_types=("Disease or Syndrom",)), r"unknown semantic type .* T047 \(Disease or Syndrome\)"),
        (
            Selection(sources=("SNOMED",)),
            "no name is of source SNOMED; expected some of HGNC, MSH, MSHGER, MTH, SNOMEDCT_US",
        ),
        (Selection(languages=("FRE",)), "no name is of language FRE; expected some of ENG, GER"),
    ],
)
def test_what_is_asked_for_and_not_there_is_told(tmp_path, selection, message):
    with pytest.raises(ValueError, match=message):
        list(read_folder(write_release(tmp_path), selection))


def test_types_cannot_be_selected_without_their_file(tmp_path):
    folder = write_release(tmp_path, ("MRCONSO.RRF",))
    assert list(terms(list(read_folder(folder)))) == ["C9000001", "C9000002", "C9000003"]
    with pytest.raises(ValueError, match="holds no MRSTY.RRF; expected it, to select by semantic types"):
        list(read_folder(folder, Selection(semantic_groups=("DISO",))))
    with pytest.raises(ValueError, match="MRCONSO.RRF alone has no semantic types; expected the folder"):
        read_file(read, folder / "MRCONSO.RRF", Selection(semantic_groups=("DISO",)))


def test_a_bad_row_costs_that_row_and_is_named_by_file_and_line(tmp_path):
    folder = write_release(tmp_path)
    lines = CONCEPTS.splitlines()
    lines[2:2] = ["C9000001|ENG|P|too|few|"]
    (folder / "MRCONSO.RRF").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "MRSTY.RRF").write_bytes(b"C9000001|T0\xff|\n" + FILES["MRSTY.RRF"].encode())
    items = list(read_folder(folder))
    assert len(terms(items)) == 3
    told = {(item.source.rpartition("/")[2], item.line): item.cause for item in items if hasattr(item, "cause")}
    assert told.keys() == {("MRCONSO.RRF", 3), ("MRSTY.RRF", 1)}
    assert told["MRCONSO.RRF", 3].startswith("5 columns; expected 18: CUI, LAT")


@pytest.mark.parametrize("name", ["MRCONSO.RRF", "MRSTY.RRF", "MRREL.RRF"])
def test_a_file_in_another_order_is_refused(tmp_path, name):
    folder = write_release(tmp_path)
    (folder / name).write_text("\n".join(reversed(FILES[name].splitlines())) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"{name} is not sorted: line .* expected the order of the release"):
        list(read_folder(folder))


def test_columns_are_those_that_mrfiles_tells(tmp_path):
    folder = write_release(tmp_path, ("MRCONSO.RRF", "MRSTY.RRF"))
    swapped = "".join(
        "|".join([*line.split("|")[1::-1], *line.split("|")[2:]]) + "\n" for line in FILES["MRSTY.RRF"].splitlines()
    )
    (folder / "MRSTY.RRF").write_text("".join(sorted(swapped.splitlines(True), key=lambda line: line.split("|")[1])))
    (folder / "MRFILES.RRF").write_text("MRSTY.RRF|Semantic Types|TUI,CUI,STN,STY,ATUI,CVF|6|5|100|\n")
    assert terms(list(read_folder(folder)))["C9000003"].concept.semantic_types == ("T028",)


RXNORM = """\
90|ENG||||||900||900||SNOMEDCT_US|PT|9000|Greenol product||N||
90|ENG||||||901|901|90||RXNORM|IN|90|greenol||N|4096|
90|ENG||||||902|902|90||RXNORM|SY|90|grnl||O||
91|ENG||||||903|903|91||RXNORM|SCD|91|greenol 5 MG Oral Tablet||N||
"""


def test_rxnorms_own_names_come_first():
    found = terms(read_text(read, RXNORM))
    assert found["90"] == Term(Concept("90", ("greenol", "Greenol product")), ("SNOMEDCT_US:9000", "RXNORM:90"))
    assert found["91"].concept.names == ("greenol 5 MG Oral Tablet",)


def generated(concepts: int) -> str:
    """Names of many concepts, at random of two languages, three sources and suppressed or not."""
    chance = random.Random(5)
    rows = []
    for number in range(concepts):
        for atom in range(chance.randint(1, 6)):
            language, source = chance.choice([("ENG", "MSH"), ("ENG", "SNOMEDCT_US"), ("GER", "MSHGER")])
            rows.append(
                f"C{number:07}|{language}|{'PS'[atom > 0]}|L{number}|PF|S{number}|Y|A{number}_{atom}||||{source}|PT|"
                f"X{number}|name {chance.randint(0, 4)} of {number}|0|{chance.choice('NNNO')}||"
            )
    return "\n".join(rows) + "\n"


def test_names_are_those_that_the_csv_module_selects(tmp_path):
    path = tmp_path / "MRCONSO.RRF"
    path.write_text(generated(2000))
    expected = defaultdict(set)
    with path.open(newline="") as stream:
        for row in csv.reader(stream, delimiter="|", quoting=csv.QUOTE_NONE):
            if (row[1], row[11], row[16]) == ("ENG", "SNOMEDCT_US", "N"):
                expected[row[0]].add(row[14])
    found = terms(read_file(read, path, Selection(sources=("SNOMEDCT_US",))))
    assert {cui: set(term.concept.names) for cui, term in found.items()} == expected


def test_memory_does_not_grow_with_the_release(tmp_path):
    peaks = []
    for concepts in (500, 5000):
        (tmp_path / "MRCONSO.RRF").write_text(generated(concepts))
        (tmp_path / "MRSTY.RRF").write_text("".join(f"C{number:07}|T047|B|D|A||\n" for number in range(concepts)))
        tracemalloc.start()
        assert sum(1 for _ in read_folder(tmp_path)) > 0.6 * concepts
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
