"""Orphanet's XML: names, cross-references, obsolete disorders; both encodings that it is given out in."""

import pytest

from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.orphanet import read
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_text, rejections

XML = """<?xml version="1.0" encoding="ENCODING"?>
<JDBOR date="2026-01-01" version="1.3" copyright="made up" dbserver="x">
  <Availability><Licence><FullName lang="en">made up</FullName></Licence></Availability>
  <DisorderList count="4">
    <Disorder id="1">
      <OrphaCode>900001</OrphaCode>
      <Name lang="en">Sjögren green fever</Name>
      <DisorderType id="2"><Name lang="en">Disease</Name></DisorderType>
      <SynonymList count="2">
        <Synonym lang="en">SGF</Synonym>
        <Synonym lang="en">Green fever, Sjögren type</Synonym>
      </SynonymList>
      <ExternalReferenceList count="3">
        <ExternalReference id="12">
          <Source>ICD-11</Source><Reference>1A90</Reference>
          <DisorderMappingRelation id="13"><Name lang="en">NTBT (Narrower Term maps to a Broader Term)</Name>
          </DisorderMappingRelation>
        </ExternalReference>
        <ExternalReference id="3">
          <Source>OMIM</Source><Reference>900100</Reference>
          <DisorderMappingRelation id="4"><Name lang="en">E (Exact mapping)</Name></DisorderMappingRelation>
        </ExternalReference>
        <ExternalReference id="5"><Source>ICD-10</Source><Reference>A90.0</Reference></ExternalReference>
      </ExternalReferenceList>
      <SummaryInformationList count="1">
        <SummaryInformation id="6" lang="en"><TextSectionList count="1"><TextSection id="7" lang="en">
          <TextSectionType id="8"><Name lang="en">Definition</Name></TextSectionType>
          <Contents>A rare green fever.</Contents>
        </TextSection></TextSectionList></SummaryInformation>
      </SummaryInformationList>
    </Disorder>
    <Disorder id="9"><OrphaCode>900002</OrphaCode><Name lang="en">NON RARE IN EUROPE: Red fever</Name></Disorder>
    <Disorder id="10">
      <OrphaCode>900003</OrphaCode><Name lang="en">OBSOLETE: Old fever</Name>
      <DisorderDisorderAssociationList count="1"><DisorderDisorderAssociation>
        <TargetDisorder id="1"><OrphaCode>900001</OrphaCode><Name lang="en">Sjögren green fever</Name></TargetDisorder>
        <DisorderDisorderAssociationType id="1"><Name lang="en">Moved to</Name></DisorderDisorderAssociationType>
      </DisorderDisorderAssociation></DisorderDisorderAssociationList>
    </Disorder>
    <Disorder id="11"><OrphaCode>900004</OrphaCode></Disorder>
  </DisorderList>
</JDBOR>
"""


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8", "windows-1252"])
def test_disorders(encoding):
    *items, rejected = read_text(read, XML.replace("ENCODING", encoding).encode(encoding))
    assert items == [
        Term(
            Concept(
                "ORPHA:900001",
                ("Sjögren green fever", "SGF", "Green fever, Sjögren type"),
                semantic_types=("Disease",),
            ),
            ("OMIM:900100", "ICD-10:A90.0"),
            "A rare green fever.",
        ),
        Term(Concept("ORPHA:900002", ("Red fever",))),
        Retired("ORPHA:900003", ("ORPHA:900001",)),
    ]
    line = next(number for number, text in enumerate(XML.splitlines(), start=1) if "900004" in text)
    assert rejections([rejected]) == [(line, "a Disorder '900004' without a Name; expected one")]
