"""JSON lists of terms: identifiers with their namespace, and errors that name the term."""

import json
import re

import pytest

from angel_hf.formats.ontologies import read_concepts, read_terms
from angel_hf.formats.term_json import read_term_json, read_term_json_terms
from angel_hf.types import Concept

MONDO = {
    "id": "0000004",
    "name": "adrenocortical  insufficiency",
    "namespace": "mondo",
    "relations": {"is_a": ["0002816"]},
    "synonyms": ["hypoadrenalism", "adrenocortical insufficiency"],
    "xrefs": [{"id": "D000309", "namespace": "MESH"}, {"id": "C0405580", "namespace": "UMLS"}],
    "alt_ids": ["0000005"],
}


def written(tmp_path, value):
    path = tmp_path / "terms.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_terms_have_whole_identifiers(tmp_path):
    path = written(tmp_path, [MONDO, {"id": "DOID:4", "name": "disease", "namespace": "doid"}])
    first, second = read_term_json_terms(path)
    assert first.concept == Concept(
        "MONDO:0000004",
        ("adrenocortical insufficiency", "hypoadrenalism"),
        alternative_ids=("MONDO:0000005",),
        parents=("MONDO:0002816",),
    )
    assert first.cross_references == ("MESH:D000309", "UMLS:C0405580")
    assert second.concept == Concept("DOID:4", ("disease",))
    assert list(read_concepts(path)[0]) == list(read_term_json(path)) == [first.concept, second.concept]
    assert list(read_terms(path)) == [first, second]


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({"id": "1", "name": "x"}, "a JSON dict; expected a list of objects"),
        ([{"id": "1", "name": "x"}, {"id": "2"}], "term 2 is {'id': '2'} (KeyError('name')); expected a list"),
        (["x"], "term 1 is x"),
        ('[{"id": }]', ":1: not JSON"),
    ],
)
def test_anything_else_is_refused(tmp_path, value, cause):
    with pytest.raises(ValueError, match=re.escape(cause)):
        list(read_term_json(written(tmp_path, value)))
