"""ICD-10-CM's lists and tabular XML, ClaML, and ICD-11's simple tabulation."""

import pytest

from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies import icd10_list, icd10_xml, icd11
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_text, rejections, terms


def ordered(number: int, code: str, is_billable: int, short: str, long: str) -> str:
    """A line of the order file: columns 1-5, 7-13, 15, 17-76 and from 78 on."""
    line = f"{number:05} {code:<7} {is_billable} {short:<60} {long}\n"
    assert line[6:13].strip() == code and line[16:76].strip() == short and line[77:].strip() == long
    return line


ORDER = (
    ordered(1, "A90", 0, "Green fever", "Green fever")
    + ordered(2, "A900", 1, "Green fever d/t Mars bacillus", "Green fever due to Mars bacillus")
    + ordered(3, "A901", 0, "Other green fever", "Other green fever")
    + ordered(4, "A901XXA", 1, "Oth green fever, init", "Other green fever, initial encounter")
    + ordered(5, "A91", 1, "Red fever", "Red fever")
)


def test_an_order_file_gives_points_and_parents():
    assert icd10_list.is_icd10_list(ORDER)
    assert read_text(icd10_list.read, ORDER) == [
        Term(Concept("A90", ("Green fever",))),
        Term(Concept("A90.0", ("Green fever due to Mars bacillus",), parents=("A90",))),
        Term(Concept("A90.1", ("Other green fever",), parents=("A90",))),
        Term(Concept("A90.1XXA", ("Other green fever, initial encounter",), parents=("A90.1",))),
        Term(Concept("A91", ("Red fever",))),
    ]


def test_a_codes_file_and_procedures():
    codes = "A900    Green fever due to Mars bacillus\nA901XXA Other green fever, initial encounter\n"
    assert icd10_list.is_icd10_list(codes)
    assert [term.concept.concept_id for term in read_text(icd10_list.read, codes)] == ["A90.0", "A90.1XXA"]
    procedures = ordered(1, "009", 0, "Made up, Drainage", "Made up, Drainage") + ordered(
        2, "00900ZZ", 1, "Drainage, open", "Drainage of made-up part, open approach"
    )
    assert read_text(icd10_list.read, procedures)[1] == Term(
        Concept("00900ZZ", ("Drainage of made-up part, open approach",), parents=("009",))
    )


def test_a_bad_line_costs_that_line():
    items = read_text(icd10_list.read, ORDER + "what is this\n\n" + ordered(6, "A92", 1, "Blue fever", "Blue fever"))
    assert list(terms(items)) == ["A90", "A90.0", "A90.1", "A90.1XXA", "A91", "A92"]
    assert rejections(items)[0][0] == 6 and "'what is this'; expected `00001 A00" in rejections(items)[0][1]


TABULAR = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
<version>2026</version>
<introduction><introSection type="title"><title>made up</title></introSection></introduction>
<chapter><name>1</name><desc>Fevers (A90-A99)</desc>
<sectionIndex><sectionRef first="A90" last="A91" id="A90-A91">Coloured fevers</sectionRef></sectionIndex>
<section id="A90-A91"><desc>Coloured fevers (A90-A91)</desc>
 <diag><name>A90</name><desc>Green fever</desc>
  <inclusionTerm><note>Verdant fever</note><note>Fever of green colour</note></inclusionTerm>
  <excludes1><note>red fever (A91)</note></excludes1>
  <diag><name>A90.0</name><desc>Green fever due to Mars bacillus</desc>
   <diag><name>A90.01</name><desc>Severe green fever</desc></diag>
  </diag>
  <diag><name>A90.1</name></diag>
 </diag>
 <diag><name>A91</name><desc>Red fever</desc></diag>
</section></chapter>
</ICD10CM.tabular>
"""


def test_the_tabular_list_gives_inclusion_terms_and_parents():
    items = read_text(icd10_xml.read_tabular, TABULAR)
    assert terms(items) == {
        term.concept.concept_id: term
        for term in (
            Term(Concept("A90-A91", ("Coloured fevers",))),
            Term(Concept("A90", ("Green fever", "Verdant fever", "Fever of green colour"), parents=("A90-A91",))),
            Term(Concept("A90.0", ("Green fever due to Mars bacillus",), parents=("A90",))),
            Term(Concept("A90.01", ("Severe green fever",), parents=("A90.0",))),
            Term(Concept("A91", ("Red fever",), parents=("A90-A91",))),
        )
    }
    assert rejections(items) == [(7, "a diag 'A90.1' without name or desc, in section A90-A91")]


CLAML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ClaML SYSTEM "ClaML.dtd">
<ClaML version="2.0.0">
 <Title name="made up" date="2026-01-01">made up</Title>
 <Class code="I" kind="chapter"><SubClass code="A90-A91"/>
  <Rubric kind="preferred"><Label xml:lang="en">Fevers</Label></Rubric></Class>
 <Class code="A90-A91" kind="block"><SuperClass code="I"/><SubClass code="A90"/>
  <Rubric kind="preferred"><Label xml:lang="en">Coloured fevers</Label></Rubric></Class>
 <Class code="A90" kind="category"><SuperClass code="A90-A91"/>
  <Rubric id="D1" kind="preferred"><Label xml:lang="en">Green fever</Label></Rubric>
  <Rubric id="D2" kind="inclusion"><Label>Fever of green <Fragment type="item">colour</Fragment></Label></Rubric>
  <Rubric id="D3" kind="exclusion"><Label xml:lang="en">red fever <Reference code="A91">A91</Reference></Label></Rubric>
  <Rubric id="D4" kind="inclusion"><Label xml:lang="en">Verdant fever <Reference>A90.0</Reference></Label></Rubric>
 </Class>
 <Class code="A91" kind="category"><SuperClass code="A90-A91"/></Class>
</ClaML>
"""


def test_claml_gives_chapters_blocks_and_categories():
    *items, rejected = read_text(icd10_xml.read_claml, CLAML)
    assert items == [
        Term(Concept("I", ("Fevers",))),
        Term(Concept("A90-A91", ("Coloured fevers",), parents=("I",))),
        Term(Concept("A90", ("Green fever", "Fever of green colour", "Verdant fever"), parents=("A90-A91",))),
    ]
    assert rejections([rejected]) == [(15, "a Class 'A91' without code or preferred label; expected both")]


HEADER = "Foundation URI,Linearization URI,Code,BlockId,Title,ClassKind,DepthInKind,IsResidual,ChapterNo,BrowserLink"
ROWS = [
    "http://id.who.int/icd/entity/900,http://id.who.int/m/900,,,Fevers,chapter,1,False,01,x",
    "http://id.who.int/icd/entity/901,http://id.who.int/m/901,,BlockL1-1A9,- Coloured fevers,block,1,False,01,x",
    "http://id.who.int/icd/entity/902,http://id.who.int/m/902,1A90,,- - Green fever,category,1,False,01,x",
    'http://id.who.int/icd/entity/903,http://x/903,1A90.0,,"- - - Green fever, severe",category,2,False,01,x',
    ",http://id.who.int/m/902/other,1A90.Y,,- - - Other specified green fever,category,2,True,01,x",
    "http://id.who.int/icd/entity/904,http://id.who.int/m/904,1A91,,- - Red-hot fever,category,1,False,01,x",
]


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_simple_tabulation_gives_parents_by_dashes(delimiter):
    text = "\n".join([HEADER, *ROWS]) + "\n"
    if delimiter == "\t":
        text = text.replace(",", "\t").replace('"- - - Green fever\t severe"', '"- - - Green fever, severe"')
    assert icd11.is_icd11(text)
    assert read_text(icd11.read, "\ufeff" + text) == [
        Term(Concept("01", ("Fevers",)), ("ICD11:900",)),
        Term(Concept("BlockL1-1A9", ("Coloured fevers",), parents=("01",)), ("ICD11:901",)),
        Term(Concept("1A90", ("Green fever",), parents=("BlockL1-1A9",)), ("ICD11:902",)),
        Term(Concept("1A90.0", ("Green fever, severe",), parents=("1A90",)), ("ICD11:903",)),
        Term(Concept("1A90.Y", ("Other specified green fever",), parents=("1A90",))),
        Term(Concept("1A91", ("Red-hot fever",), parents=("BlockL1-1A9",)), ("ICD11:904",)),
    ]


def test_an_entity_without_code_or_title_costs_its_row():
    text = "\n".join([HEADER, *ROWS[:2], ",,,,Nothing,block,1,False,,x", ",,1A95,,,category,1,False,01,x", *ROWS[2:]])
    items = read_text(icd11.read, text)
    assert rejections(items) == [
        (4, "a row without Code, BlockId or ChapterNo; expected one"),
        (5, "a row without Title; expected one"),
    ]
    assert terms(items)["1A90"].concept.parents == ("BlockL1-1A9",)
