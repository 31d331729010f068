"""Crosswalks by cross-references, and their SSSOM form."""

import csv
import gzip
import io
import json

import pytest
import yaml

from angel_hf import Concept
from angel_hf.formats.ontologies import read_terms
from angel_hf.formats.term import Term
from angel_hf.knowledge_base.crosswalk import MOST_SHARING, Crosswalk, Mapping
from angel_hf.knowledge_base.sssom import write_sssom
from tests.conftest import FULL

MEDIC = [
    Term(Concept("D001943", ("Breast Neoplasms",), ("OMIM:114480",))),
    Term(Concept("D001259", ("Ataxia",))),
    Term(Concept("D005334", ("Fever",))),
]
MONDO = [
    Term(Concept("MONDO:1", ("breast cancer",)), ("MESH:D001943", "UMLS:C0006142")),
    Term(Concept("MONDO:2", ("ataxia",), ("MONDO:9",)), ("UMLS:C0004134",)),
]
DOID = [
    Term(Concept("DOID:1", ("ataxia",)), ("MESH:D001259", "UMLS_CUI:C0004134")),
    Term(Concept("DOID:2", ("breast carcinoma",)), ("UMLS_CUI:C0006142", "MONDO:9")),
]


def mapped(to, *files, file="medic"):
    named = {"medic": MEDIC, "mondo": MONDO, "doid": DOID}
    walk = Crosswalk([(name, named[name]) for name in files])
    return list(walk.mappings(file, to))


def test_a_reference_in_either_direction_is_direct():
    expected = Mapping("MESH:D001943", "Breast Neoplasms", "MONDO:1", "breast cancer", "direct", "", ("mondo",))
    assert mapped("MONDO", "medic", "mondo") == [expected]
    back = Mapping("MONDO:1", "breast cancer", "MESH:D001943", "Breast Neoplasms", "direct", "", ("mondo",))
    assert mapped("mesh", "mondo", "medic", file="mondo") == [back]


def test_an_alternative_identifier_is_told_as_such():
    assert mapped("OMIM", "medic") == [
        Mapping("MESH:D001943", "Breast Neoplasms", "OMIM:114480", "", "alternative", "", ("medic",))
    ]


def test_a_third_identifier_joins_what_nothing_joins_directly():
    found = mapped("DOID", "mondo", "doid", file="mondo")
    assert [(one.from_id, one.to_id, one.relation, one.via) for one in found] == [
        ("MONDO:1", "DOID:2", "shared", "UMLS:C0006142"),
        ("MONDO:2", "DOID:2", "direct", ""),  # by MONDO:9, which was merged into it; so UMLS:C0004134 is not asked
    ]
    assert found[0].sources == ("mondo", "doid")
    umls = mapped("UMLS", "medic", "mondo", "doid")
    assert [(one.from_id, one.to_id, one.via) for one in umls] == [
        ("MESH:D001943", "UMLS:C0006142", "MONDO:1"),
        ("MESH:D001259", "UMLS:C0004134", "DOID:1"),
    ]


def test_a_class_that_many_share_joins_nothing():
    def files(count):
        shared = ("ICD9:799.9",)
        targets = [Term(Concept(f"DOID:{number}", ("t",)), shared) for number in range(count)]
        return [("a", [Term(Concept("MONDO:1", ("s",)), shared)]), ("b", targets)]

    assert len(list(Crosswalk(files(MOST_SHARING)).mappings("a", "DOID"))) == MOST_SHARING
    assert list(Crosswalk(files(MOST_SHARING + 1)).mappings("a", "DOID")) == []


def test_concepts_of_the_vocabulary_itself_and_unknown_vocabularies():
    assert mapped("MESH", "medic", "mondo") == []
    with pytest.raises(ValueError, match="the vocabulary 'MSHX' is not known"):
        mapped("MSHX", "medic")


@pytest.mark.skipif(not (FULL / "data").is_dir(), reason="MONDO is not here")
def test_medic_and_mondo_meet_where_mondos_own_json_says_so():
    """Counted in the files: MONDO's MESH and OMIM references that are primary or alternative ids of MEDIC."""
    medic, mondo = (FULL / "data" / "kb" / name for name in ("medic_06Jul2012.txt", "mondo.json.gz"))
    walk = Crosswalk([("medic", read_terms(medic)), ("mondo", read_terms(mondo))])
    found = {(one.from_id, one.to_id) for one in walk.mappings("medic", "MONDO")}
    owners: dict[str, set[str]] = {}
    for line in medic.read_text(encoding="utf-8").splitlines():
        ids = [f"OMIM:{one}" if one.isdecimal() else one for one in line.split("||")[0].split("|")]
        ids = [one if one.startswith("OMIM:") else f"MESH:{one}" for one in ids]
        for one in ids:
            owners.setdefault(one, set()).add(ids[0])
    expected = set()
    with gzip.open(mondo, "rt", encoding="utf-8") as stream:
        for term in json.load(stream):
            for reference in term.get("xrefs", ()):
                for owner in owners.get(f"{reference['namespace']}:{reference['id']}", ()):
                    expected.add((owner, f"MONDO:{term['id']}"))
    assert found == expected
    assert len(found) == 9402  # of this release of MONDO, counted so


def test_sssom_has_the_required_metadata_columns_and_prefixes():
    stream = io.StringIO()
    rows = mapped("UMLS", "medic", "mondo", "doid") + mapped("MONDO", "medic", "mondo") + mapped("OMIM", "medic")
    write_sssom(stream, rows)
    lines = stream.getvalue().splitlines()
    metadata = yaml.safe_load("\n".join(line[1:] for line in lines if line.startswith("#")))
    assert {"mapping_set_id", "license", "curie_map"} <= set(metadata)
    assert metadata["curie_map"]["MONDO"] == "http://purl.obolibrary.org/obo/MONDO_"
    table = list(csv.DictReader([line for line in lines if not line.startswith("#")], delimiter="\t"))
    assert {"subject_id", "predicate_id", "object_id", "mapping_justification"} <= set(table[0])
    assert {one.split(":")[0] for row in table for one in (row["subject_id"], row["object_id"])} == set(
        metadata["curie_map"]
    )
    told = {(row["object_id"], row["predicate_id"], row["mapping_justification"]) for row in table}
    assert ("UMLS:C0006142", "skos:closeMatch", "semapv:MappingChaining") in told
    assert ("MONDO:1", "oboInOwl:hasDbXref", "semapv:UnspecifiedMatching") in told
    assert ("OMIM:114480", "skos:exactMatch", "semapv:UnspecifiedMatching") in told
    assert table[0]["comment"] == "via MONDO:1 in mondo"


def test_sssom_refuses_an_identifier_without_a_prefix():
    with pytest.raises(ValueError, match="'672' has no prefix, and SSSOM wants PREFIX:ID"):
        write_sssom(io.StringIO(), [Mapping("672", "a", "MONDO:1", "b", "direct", "", ())])
