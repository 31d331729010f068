"""One identifier in all its spellings; the expectations are of the vocabularies' own documents."""

import json
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf.text.identifiers import (
    iri_prefix,
    is_vocabulary,
    normalize_identifier,
    parse_identifier,
    vocabulary,
    vocabulary_of_bare,
)

SPELLINGS = {
    "MESH:D001260": [
        "mesh:D001260", "MeSH:d001260", "MSH:D001260", "http://id.nlm.nih.gov/mesh/D001260", " MESH:D001260 ",
        "https://meshb.nlm.nih.gov/record/ui?ui=D001260", "https://identifiers.org/mesh:D001260", "MESH:MESH:D001260",
        "https://bioregistry.io/mesh:D001260", "https://id.nlm.nih.gov/mesh/D001260",
    ],
    "MONDO:0000001": [
        "http://purl.obolibrary.org/obo/MONDO_0000001", "<http://purl.obolibrary.org/obo/MONDO_0000001>",
        "MONDO_0000001", "mondo:0000001", "MONDO:MONDO_0000001",
    ],
    "OMIM:114480": ["MIM:114480", "omim:114480", "https://omim.org/entry/114480", "https://www.omim.org/entry/114480"],
    "OMIMPS:203655": ["OMIM:PS203655", "https://omim.org/phenotypicSeries/PS203655", "MIM:ps203655"],
    "ORPHA:558": ["Orphanet:558", "ORPHA:ORPHA558", "http://www.orpha.net/ORDO/Orphanet_558", "ORPHA558", "ORDO:558"],
    "SNOMEDCT:22298006": [
        "SCTID:22298006", "SNOMEDCT_US_2023_03_01:22298006", "SNOMED_CT:22298006", "http://snomed.info/id/22298006",
        "SNOMEDCT_US:22298006",
    ],
    "UMLS:C0012634": ["UMLS_CUI:C0012634", "umls:c0012634", "https://uts.nlm.nih.gov/uts/umls/concept/C0012634"],
    "NCIT:C2991": ["NCI:C2991", "http://purl.obolibrary.org/obo/NCIT_C2991"],
    "GO:0005737": ["GO:GO:0005737", "go:0005737", "http://purl.obolibrary.org/obo/GO_0005737"],
    "ICD10CM:E11.9": ["icd10cm:E11.9", "ICD-10-CM:E11.9", "http://purl.bioontology.org/ontology/ICD10CM/E11.9"],
    "HP:0000001": ["hp:0000001", "HPO:0000001", "HP_0000001"],
    "ICD9CM:250.0": ["ICD9CM_2006:250.0"],
}  # fmt: skip


@pytest.mark.parametrize(("usual", "spelling"), [(usual, one) for usual, all_ in SPELLINGS.items() for one in all_])
def test_every_spelling_is_the_one_identifier(usual, spelling):
    assert normalize_identifier(spelling) == usual
    assert normalize_identifier(usual) == usual


@pytest.mark.parametrize(
    "unknown",
    ["", " ", ":", "D001260", "114480", "FOO:12", "http://example.org/x/12", "MESH:", ":D1", "x" * 5000, "a:b:c", "-1"],
)
def test_what_nothing_is_known_of_stays_as_it_is(unknown):
    assert normalize_identifier(unknown) == unknown.strip()


def test_a_prefix_that_is_not_known_is_compared_without_its_case():
    assert parse_identifier("Foo:12").key == parse_identifier("foo:12").key
    assert parse_identifier("foo:12").key != parse_identifier("foo:13").key
    assert normalize_identifier("http://purl.obolibrary.org/obo/FOO_12") == "FOO:12"


def test_bare_identifiers_of_a_file_tell_their_vocabulary():
    assert vocabulary_of_bare(["D001260", "C565588", "OMIM:1"]) == "MESH"
    assert vocabulary_of_bare(["C0012634", "C0000001"]) == "UMLS"
    assert vocabulary_of_bare(["C2991", "C123456"]) == "NCIT"
    assert vocabulary_of_bare(["22298006", "73211009"]) == "SNOMEDCT"
    assert vocabulary_of_bare(["114480", "208900", "7157"]) == ""
    assert vocabulary_of_bare(["D001260", "X1"]) == ""
    assert vocabulary_of_bare(["MESH:D001260"]) == vocabulary_of_bare([]) == ""


def test_a_bare_identifier_takes_the_prefix_that_it_fits_and_no_other():
    assert normalize_identifier("D001260", "MESH") == "MESH:D001260"
    assert normalize_identifier("X1", "MESH") == "X1"
    assert normalize_identifier("OMIM:1", "MESH") == "OMIM:1"


def test_a_vocabulary_is_known_by_any_of_its_names():
    assert [vocabulary(name) for name in ("mesh", "SNOMED", "Orphanet", "UMLS_CUI", "icd-10", "HPO:")] == [
        "MESH", "SNOMEDCT", "ORPHA", "UMLS", "ICD10", "HP",
    ]  # fmt: skip
    assert is_vocabulary("doid") and not is_vocabulary("MSHX")
    with pytest.raises(ValueError, match="the vocabulary 'MSHX' is not known; did you mean MESH?"):
        vocabulary("MSHX")


def test_an_iri_made_of_a_prefix_is_read_back():
    for prefix, local in (("MESH", "D001260"), ("MONDO", "0000001"), ("OMIMPS", "203655"), ("ORPHA", "558")):
        assert normalize_identifier(iri_prefix(prefix) + local) == f"{prefix}:{local}"
    assert normalize_identifier(iri_prefix("FOO") + "12") == "FOO:12"


@given(
    st.text(max_size=40) | st.from_regex(r"(MESH|http://|mondo|GO|ORPHA|OMIM)?[:/_ ]?(PS|GO:|ORPHA)?[A-Z0-9:/_.]{0,12}")
)
def test_any_text_has_a_usual_form_and_that_is_its_own(text):
    usual = normalize_identifier(text)
    assert normalize_identifier(usual) == usual
    assert normalize_identifier(f"  {text} ") == usual


def test_no_spelling_and_no_iri_belongs_to_two_vocabularies():
    records = json.loads((files("angel_hf.text") / "prefixes.json").read_text(encoding="utf-8"))
    spellings = [s.casefold() for record in records for s in (record["prefix"], *record["prefix_synonyms"])]
    iris = [re.sub("^https?://", "", i) for r in records for i in (r["uri_prefix"], *r["uri_prefix_synonyms"])]
    assert len(set(spellings)) == len(spellings)
    assert len(set(iris)) == len(iris)
