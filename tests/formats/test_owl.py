"""OWL and SKOS in RDF/XML beyond what OBO has: languages, SKOS, the NCI Thesaurus; and XML made to do harm."""

import tracemalloc

import pytest

from angel_hf.formats import owl
from angel_hf.formats.guarded import guarded
from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.types import Concept
from tests.formats.reading import causes, only, records_of

OPEN = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:owl="http://www.w3.org/2002/07/owl#" '
    'xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:skos="http://www.w3.org/2004/02/skos/core#" '
    'xmlns:i="http://www.geneontology.org/formats/oboInOwl#" xmlns:obo="http://purl.obolibrary.org/obo/" '
    'xmlns:n="http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl#">'
)
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl#"


def read(body, **selection):
    return records_of(owl.read, f"{OPEN}{body}</rdf:RDF>", Selection(**selection))


def of_class(body, iri="http://purl.obolibrary.org/obo/X_1", **selection):
    return read(f'<owl:Class rdf:about="{iri}">{body}</owl:Class>', **selection)


NAMED = (
    '<rdfs:label xml:lang="de">Grünfieber</rdfs:label><rdfs:label xml:lang="en-GB">green fever</rdfs:label>'
    '<rdfs:label>Green Fever</rdfs:label><i:hasExactSynonym xml:lang="fr">fièvre verte</i:hasExactSynonym>'
    '<skos:altLabel xml:lang="en">greens</skos:altLabel>'
)


@pytest.mark.parametrize(
    ("languages", "names"),
    [
        ((), ("green fever", "Green Fever", "greens")),
        (("de",), ("Grünfieber", "Green Fever")),
        (("FRE", "de"), ("Grünfieber", "Green Fever", "fièvre verte")),
    ],
)
def test_names_are_of_the_languages_chosen_or_of_none(languages, names):
    ((term),) = of_class(NAMED, languages=languages)
    assert term.concept.names == names


def test_a_class_without_a_name_of_the_language_has_its_first_name():
    (term,) = of_class('<rdfs:label xml:lang="de">Grünfieber</rdfs:label><rdfs:label xml:lang="fr">vert</rdfs:label>')
    assert term.concept.names == ("Grünfieber",)


def test_skos_concepts():
    body = (
        '<skos:Concept rdf:about="http://purl.obolibrary.org/obo/X_1"><skos:prefLabel xml:lang="en">green fever'
        '</skos:prefLabel><skos:altLabel xml:lang="en">greens</skos:altLabel><skos:definition>A fever.'
        '</skos:definition><skos:broader rdf:resource="http://purl.obolibrary.org/obo/X_2"/>'
        '<skos:exactMatch rdf:resource="http://id.nlm.nih.gov/mesh/D001260"/></skos:Concept>'
    )
    concept = Concept("X:1", ("green fever", "greens"), parents=("X:2",))
    assert read(body) == [Term(concept, ("MESH:D001260",), "A fever.")]


def test_the_nci_thesaurus():
    body = "<n:P108>Green Fever</n:P108><n:P90>GF</n:P90><n:P90>Green Fever</n:P90><n:P97>A fever.</n:P97>"
    (term,) = of_class(body, f"{NCIT}C900001")
    assert term == Term(Concept("NCIT:C900001", ("Green Fever", "GF")), definition="A fever.")


def test_a_description_with_the_type_of_a_class_is_a_class():
    kind = '<rdf:type rdf:resource="http://www.w3.org/2002/07/owl#{}"/><rdfs:label>a</rdfs:label>'
    body = "".join(
        f'<rdf:Description rdf:about="http://purl.obolibrary.org/obo/X_{number}">{kind.format(one)}</rdf:Description>'
        for number, one in enumerate(("Class", "ObjectProperty", "Class"))
    )
    assert [term.concept.concept_id for term in read(body)] == ["X:0", "X:2"]


def test_classes_without_a_name_and_expressions():
    assert of_class("") == [Unnamed("X:1")]
    assert read("<owl:Class><rdfs:label>nobody</rdfs:label></owl:Class>") == []
    assert of_class("<owl:deprecated>true</owl:deprecated>") == [Retired("X:1", (), is_exact=False)]


@pytest.mark.parametrize(
    ("iri", "concept_id"),
    [
        ("http://purl.obolibrary.org/obo/MONDO_0000001", "MONDO:0000001"),
        ("http://purl.obolibrary.org/obo/NCBITaxon_9606", "NCBITaxon:9606"),
        ("http://www.orpha.net/ORDO/Orphanet_558", "ORPHA:558"),
        ("http://www.ebi.ac.uk/efo/EFO_0000400", "EFO:0000400"),
        ("http://x.y/onto#AB_12", "AB:12"),
        ("http://x.y/onto#fever", "http://x.y/onto#fever"),
        ("urn:x:1", "urn:x:1"),
    ],
)
def test_an_iri_becomes_the_identifier_that_people_write(iri, concept_id):
    (term,) = of_class("<rdfs:label>a</rdfs:label>", iri)
    assert term.concept.concept_id == concept_id


def test_a_file_that_breaks_off_is_told_after_what_was_read():
    whole = f'{OPEN}<owl:Class rdf:about="http://purl.obolibrary.org/obo/X_1"><rdfs:label>a</rdfs:label></owl:Class>\n'
    records = records_of(owl.read, whole + "<owl:Class")
    assert len(only(Term, records)) == 1
    assert records[-1].is_rest and records[-1].cause.startswith("not well-formed XML")


NESTED = "".join(f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 20}">' for level in range(8))


@pytest.mark.parametrize(
    "dtd",
    [
        f'<!DOCTYPE r [<!ENTITY a "{"x" * 1000}">{NESTED}]>',
        '<!DOCTYPE r [<!ENTITY i SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_entities_neither_explode_nor_read_files(dtd):
    body = f"{dtd}{OPEN}<owl:Class rdf:about='urn:x'><rdfs:label>&i;</rdfs:label></owl:Class></rdf:RDF>"
    records = records_of(owl.read, body)
    assert only(Term, records) == []
    assert all(len(cause) < 500 for _, cause in causes(records))


def test_memory_holds_one_class_at_a_time(tmp_path):
    path = tmp_path / "large.owl"
    name = f"<rdfs:label>{'green ' * 50}</rdfs:label>"
    with path.open("w") as stream:
        stream.write(OPEN)
        stream.writelines(f'<owl:Class rdf:about="urn:x{number}">{name}</owl:Class>\n' for number in range(20_000))
        stream.write("</rdf:RDF>")
    tracemalloc.start()
    with Source(path) as source:
        assert sum(1 for _ in guarded(source, owl.read)) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
