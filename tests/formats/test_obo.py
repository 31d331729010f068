"""OBO files: which lines become names, references and definitions; a bad line costs that line."""

import pytest

from angel_hf import KnowledgeBase
from angel_hf.formats import obo
from angel_hf.formats.selection import Selection
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.types import Concept
from tests.formats.reading import causes, only, records_of

HEADER = 'format-version: 1.2\nsynonymtypedef: layperson "lay"\n\n'
OBO = (
    HEADER
    + r"""[Term] ! the first
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
xref: SNOMEDCT_US:722223000 {source="z"} ! why
xref: KEGG COMPOUND:70 "CAS"
is_a: HP:2 {source="y"} ! Kidney
comment: nothing of this is read: {or this}

[Typedef]
id: part_of
name: part of

[Instance]
id: HP:99
name: one kidney

[Term]
id: HP:3
name: Gone
is_obsolete: true {source="x"}
replaced_by: HP:1

[Term]
id: HP:4
is_obsolete: true ! merged
consider: HP:1
consider: HP:2

[Term]
id: BFO:1
is_a: BFO:2

[Term]
! a comment
id: HP:2
name: Abnormality of the kidney
"""
)


def names(text, **selection):
    return [term.concept.names for term in only(Term, records_of(obo.read, text, Selection(**selection)))]


def test_a_term_has_its_exact_names_references_and_definition():
    first, second = only(Term, records_of(obo.read, OBO))
    assert first.concept == Concept("HP:1", ("Renal cyst", "Kidney cyst"), ("HP:10", "HP:11"), parents=("HP:2",))
    assert first.cross_references == ("UMLS:C3887499", "SNOMEDCT_US:722223000", "KEGG COMPOUND:70")
    assert first.definition == 'A fluid filled "sac" in the kidney (sic).'
    assert second == Term(Concept("HP:2", ("Abnormality of the kidney",)))


def test_obsolete_terms_are_retired_with_what_replaces_them():
    assert only(Retired, records_of(obo.read, OBO)) == [
        Retired("HP:3", ("HP:1",)),
        Retired("HP:4", ("HP:1", "HP:2"), is_exact=False),
    ]


def test_a_stub_of_a_term_of_another_ontology_is_no_fault():
    records = records_of(obo.read, OBO)
    assert only(Unnamed, records) == [Unnamed("BFO:1")]
    assert causes(records) == []


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ((), ("Renal cyst", "Kidney cyst")),
        (("broad",), ("Renal cyst", "Cysts")),
        (("RELATED",), ("Renal cyst", "Cystic kidney")),
        (("narrow",), ("Renal cyst",)),
        (("none",), ("Renal cyst",)),
        (("all",), ("Renal cyst", "Kidney cyst", "Cysts", "Cystic kidney")),
    ],
)
def test_scopes_choose_the_synonyms(scopes, expected):
    assert names(OBO, synonyms=scopes)[0] == expected


def test_an_unknown_scope_is_an_error():
    ((_, cause),) = causes(records_of(obo.read, OBO, Selection(synonyms=("near",))))
    assert cause.startswith("unknown synonym scope NEAR; expected some of EXACT, NARROW")


def test_tags_of_obo_1_0_say_the_scope_themselves():
    text = '[Term]\nid: X:1\nname: a\nexact_synonym: "b" []\nrelated_synonym: "c" [x:1]\nxref_analog: EC:1\n'
    (term,) = only(Term, records_of(obo.read, text))
    assert (term.concept.names, term.cross_references) == (("a", "b"), ("EC:1",))
    assert names(text, synonyms=("related",)) == [("a", "c")]


@pytest.mark.parametrize(
    ("stanza", "line", "cause", "kept"),
    [
        ("id: X:1\nname: a\nname: b", 4, "name of X:1: 'b' comes after 'a'; the first one is taken", ("a",)),
        ("id: X:1\nname: a\nsynonym: bare EXACT []", 4, "expected a text in double quotes", ("a",)),
        ('id: X:1\nname: a\nsynonym: "never closed', 4, "none of its quotes can be the end", ("a",)),
        ("id: X:1\nnonsense\nname: a", 3, "'nonsense'; expected `tag: value`", ("a",)),
        ('id: X:1\nname:\nsynonym: "s" EXACT []', 3, "name of X:1: no value", ("s",)),
        ("name: a", 1, "a term without an `id:` line", None),
        (b'id: X:1\nname: a\nsynonym: "caf\xe9" EXACT []', 4, "not UTF-8: byte 0xe9", ("a",)),
    ],
)
def test_a_bad_line_costs_that_line_and_a_term_without_an_id_that_term(stanza, line, cause, kept):
    text = b"[Term]\n" + (stanza if isinstance(stanza, bytes) else stanza.encode()) + b"\n\n[Term]\nid: X:2\nname: z\n"
    records = records_of(obo.read, text)
    ((found, told),) = causes(records)
    assert found == line and cause in told
    expected = [("z",)] if kept is None else [kept, ("z",)]
    assert [term.concept.names for term in only(Term, records)] == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("demo.txt", "! made by a script\nontology: demo\nformat-version: 1.4\n\n[Term]\nid: A:1\nname: a\n"),
        ("demo.txt", "\n\n[Typedef]\nid: p\n\n[Term]\nid: A:1\nname: a\n"),
        ("demo.OBO", "ontology: demo\n" + "remark: x\n" * 20_000 + "[Term]\nid: A:1\nname: a\n"),
    ],
)
def test_a_file_is_obo_by_its_ending_or_its_stanzas(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert KnowledgeBase.from_file(tmp_path / name).concept("A:1").names == ("a",)


def test_utf_16_is_read():
    assert names(("\ufeff" + OBO).encode("utf-16-le")) == names(OBO)
