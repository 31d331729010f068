"""OBO files: which lines become names, references and definitions, and errors that name the line."""

import gzip
import re

import pytest

from angel_hf import KnowledgeBase
from angel_hf.formats.obo import read_obo, read_obo_terms
from angel_hf.formats.ontologies import read_concepts, read_terms
from angel_hf.types import Concept

HEADER = 'format-version: 1.2\nsynonymtypedef: layperson "lay"\n\n'
OBO = (
    HEADER
    + r"""[Term]
id: HP:1
name: Renal cyst ! not a comment of the name
alt_id: HP:10
alt_id: HP:11 {source="x"}
def: "A fluid filled \"sac\"\nin the kidney \(sic\)." [PMID:1, https://x]
synonym: "Kidney cyst" EXACT layperson []
synonym: "Renal cyst" EXACT []
synonym: "Cysts" BROAD []
synonym: "Old name" EXACT obsolete_synonym []
synonym: "Cystic kidney" []
xref: UMLS:C3887499 "with a text"
xref: SNOMEDCT_US:722223000
is_a: HP:2 {source="y"} ! Kidney
comment: nothing of this is read: {or this}

[Typedef]
id: part_of
name: part of

[Term]
id: HP:3
name: Gone
is_obsolete: true

[Term]
! a comment
id: HP:2
name: Abnormality of the kidney
"""
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "small.obo"
    path.write_text(OBO, encoding="utf-8")
    return path


def test_a_term_has_its_exact_names_references_and_definition(path):
    first, second = read_obo_terms(path)
    assert first.concept == Concept("HP:1", ("Renal cyst", "Kidney cyst"), ("HP:10", "HP:11"), parents=("HP:2",))
    assert first.cross_references == ("UMLS:C3887499", "SNOMEDCT_US:722223000")
    assert first.definition == 'A fluid filled "sac" in the kidney (sic).'
    assert second.concept == Concept("HP:2", ("Abnormality of the kidney",))
    assert second.definition == "" and second.cross_references == ()


def test_other_scopes_are_names_when_asked_for(path):
    names = [next(read_obo_terms(path, [scope])).concept.names for scope in ("BROAD", "RELATED", "NARROW")]
    assert names == [("Renal cyst", "Cysts"), ("Renal cyst", "Cystic kidney"), ("Renal cyst",)]
    with pytest.raises(ValueError, match="unknown synonym scope NEAR; expected some of EXACT, RELATED"):
        next(read_obo_terms(path, ["NEAR"]))


def test_the_format_is_recognised_and_gzip_read(path):
    packed = path.with_suffix(".obo.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    concepts, normalization = read_concepts(packed)
    assert list(concepts) == list(read_obo(path))
    assert normalization == "lowercase-punctuation"
    assert list(read_terms(packed)) == list(read_obo_terms(path))
    assert KnowledgeBase.from_file(packed).find("kidney CYST") is not None


@pytest.mark.parametrize(
    ("stanza", "line", "cause"),
    [
        ("[Term]\nid: X:1", 4, "a term with 0 `name:` lines; expected one with a value"),
        ("[Term]\nid: X:1\nname:", 4, "a term with 1 `name:` lines; expected one with a value"),
        ("[Term]\nid: X:1\nname: a\nsynonym: bare EXACT []", 4, "expected a text in double quotes"),
        ("[Term]\nid: X:1\nnonsense", 6, "'nonsense'; expected `tag: value`"),
    ],
)
def test_a_malformed_term_is_named_by_its_line(tmp_path, stanza, line, cause):
    path = tmp_path / "bad.obo"
    path.write_text(HEADER + stanza + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(cause)) as error:
        list(read_obo(path))
    assert str(error.value).startswith(f"{path}:{line}: ")
