"""One ontology in its three serializations, and each read as `pronto`, an independent library, reads it."""

import warnings
from pathlib import Path

import pronto
import pytest

from angel_hf.formats.ontologies import read_records
from angel_hf.formats.selection import Selection
from angel_hf.formats.synonym_scopes import SCOPES
from angel_hf.formats.term import Retired, Term
from angel_hf.types import Concept
from tests.formats.reading import causes, only

FIXTURES = Path(__file__).parent / "fixtures"
SERIALIZATIONS = [FIXTURES / f"fevers.{ending}" for ending in ("obo", "json", "owl")]


@pytest.mark.parametrize("path", SERIALIZATIONS, ids=lambda path: path.suffix)
def test_the_terms_are_the_same(path):
    green = Concept("DM:1", ("green fever", "fever, green", "greens"), ("DM:77",), parents=("DM:2",))
    records = list(read_records(path))
    assert sorted(only(Term, records), key=lambda term: term.concept.concept_id) == [
        Term(green, ("MESH:D900001", "OMIM:100001"), 'A fever that is "green".'),
        Term(Concept("DM:2", ("fever",))),
        Term(Concept("DM:3", ("β-fever, type 2: acute",), parents=("DM:1", "DM:2"))),
    ]
    assert only(Retired, records) == [Retired("DM:8", ("DM:1",)), Retired("DM:9", ("DM:1", "DM:3"), is_exact=False)]
    assert causes(records) == []


@pytest.mark.parametrize("path", SERIALIZATIONS, ids=lambda path: path.suffix)
def test_every_scope_has_its_synonyms(path):
    expected = {
        "EXACT": ("fever, green", "greens"),
        "RELATED": ("fièvre verte",),
        "BROAD": ("coloured fever",),
        "NARROW": ("light green fever",),
    }
    for scope in SCOPES:
        first = only(Term, list(read_records(path, Selection(synonyms=(scope,)))))[0]
        assert first.concept.names[1:] == expected[scope]


def read_by_pronto(path):
    """Current and obsolete terms as pronto has them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pronto.Ontology(str(path), import_depth=0)


def check_against_pronto(path):
    terms = [term for term in read_by_pronto(path).terms() if term.name is not None]
    current = {term.id: term for term in terms if not term.obsolete}
    names = {scope: {} for scope in SCOPES}
    for scope in SCOPES:
        records = list(read_records(path, Selection(synonyms=(scope,))))
        assert causes(records) == []
        names[scope] = {term.concept.concept_id: set(term.concept.names) for term in only(Term, records)}
    ours = {term.concept.concept_id: term for term in only(Term, records)}
    assert ours.keys() == current.keys()
    assert {one.concept_id for one in only(Retired, records)} >= {term.id for term in terms if term.obsolete}
    for concept_id, term in current.items():
        concept = ours[concept_id].concept
        assert concept.names[0] == " ".join(term.name.split())
        for scope in SCOPES:
            of_scope = [one for one in term.synonyms if one.scope == scope and not is_obsolete(one)]
            expected = {" ".join(one.description.split()) for one in of_scope}
            assert names[scope][concept_id] == {concept.names[0], *expected}, concept_id
        assert set(concept.alternative_ids) == set(term.alternate_ids)
        assert set(concept.parents) == {parent.id for parent in term.superclasses(1, with_self=False)}
        # Of a cross-reference with a space pronto has the first word.
        references = {one.id for one in term.xrefs}
        assert {one.partition(" ")[0] for one in ours[concept_id].cross_references} == references, concept_id


def is_obsolete(synonym):
    return synonym.type is not None and "obsolete" in synonym.type.id.lower()


@pytest.mark.parametrize("path", SERIALIZATIONS, ids=lambda path: path.suffix)
def test_pronto_agrees(path):
    check_against_pronto(path)


@pytest.mark.slow
def test_pronto_agrees_on_a_released_ontology(shared_data):
    path = shared_data / "kb/hp.obo.gz"
    if not path.is_file():
        pytest.skip("the sample has no ontology")
    check_against_pronto(path)
