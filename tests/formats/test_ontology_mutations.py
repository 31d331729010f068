"""Ontologies and JSON of terms on thousands of spoiled files: never an exception or a hang, and nothing but text."""

import io
import random
import time
from pathlib import Path

import pytest

from angel_hf.formats.guarded import guarded
from angel_hf.formats.ontologies import FILE_FORMATS
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.selection import EVERYTHING
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.formats.usable_terms import usable
from tests.formats.vocabularies.test_mutations import spoiled

FIXTURES = Path(__file__).parent / "fixtures"
TERM = (
    '{"id": "X:1", "name": "a", "synonyms": ["b", "c"], "xrefs": [{"namespace": "N", "id": "7"}], "alt_ids": ["X:2"]}'
)
FILES = {
    "OBO": (FIXTURES / "fevers.obo").read_bytes(),
    "OBO Graphs JSON": (FIXTURES / "fevers.json").read_bytes(),
    "OWL or SKOS in RDF/XML": (FIXTURES / "fevers.owl").read_bytes(),
    "JSON lines, a term each": f"{TERM}\n{TERM}\n".encode(),
    'a JSON list of terms {"id", "name", "synonyms"}': f"[{TERM},\n{TERM}]".encode(),
    'a JSON object {concept_id: {"name", "synonyms"}}': f'{{"X:1": {TERM}, "X:2": {TERM}}}'.encode(),
    "GenBioEL's target_kb.json {concept_id: [name, ...]}": b'{"X:1": ["a", "b"], "X:2": ["c"], "X:1": ["d"]}',
}
BY_NAME = {one.name: one for one in FILE_FORMATS}


def check(records, where):
    for record in records:
        assert isinstance(record, (Term, Retired, Unnamed, Rejected)), where
        if isinstance(record, Rejected):
            assert record.cause and record.line >= 0, where
        elif isinstance(record, Term):
            assert record.concept.names and len(set(record.concept.names)) == len(record.concept.names), where


def run(name, rounds):
    chance = random.Random(name)
    for number in range(rounds):
        mutant = spoiled(FILES[name], chance)
        start = time.process_time()
        source = Source(Path("file"), io.BytesIO(mutant))
        records = list(guarded(source, lambda opened: BY_NAME[name].read(opened, EVERYTHING)))
        assert time.process_time() - start < 5, (name, number)
        check(records, (name, number))
        check_nothing_is_lost(records, (name, number))


def check_nothing_is_lost(records, where):
    """Records in are records out and rejections."""
    rejections = Rejections()
    try:
        taken = list(usable("file", iter(records), rejections))
    except ValueError:  # a damaged file, or nothing in it can be used
        assert any(isinstance(one, (Rejected, Term)) for one in records), where
        return
    told = sum(isinstance(one, Rejected) for one in records)
    lost = sum(isinstance(one, (Term, Retired)) for one in records) - len(taken)
    assert rejections.count >= told + lost, where
    assert rejections.unnamed == sum(isinstance(one, Unnamed) for one in records), where


@pytest.mark.parametrize("name", FILES)
def test_spoiled_files(name):
    run(name, 200)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_many_spoiled_files(name):
    run(name, 10_000)
