"""JSON of terms in its forms: what each becomes, and what of it cannot be used."""

import json

import pytest

from angel_hf.formats import json_names, json_terms
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.types import Concept
from tests.formats.reading import causes, only, records_of

MONDO = {
    "id": "0000004",
    "name": "adrenocortical  insufficiency",
    "namespace": "mondo",
    "relations": {"is_a": ["0002816"]},
    "synonyms": ["hypoadrenalism", "adrenocortical insufficiency"],
    "xrefs": [{"id": "D000309", "namespace": "MESH"}, {"id": "C0405580", "namespace": "UMLS"}],
    "alt_ids": ["0000005"],
    "definition": "A lack.",
}
MONDO_TERM = Term(
    Concept(
        "MONDO:0000004",
        ("adrenocortical insufficiency", "hypoadrenalism"),
        alternative_ids=("MONDO:0000005",),
        parents=("MONDO:0002816",),
    ),
    ("MESH:D000309", "UMLS:C0405580"),
    "A lack.",
)


def of_list(*items):
    return records_of(json_terms.read_list, json.dumps(items))


def test_a_term_is_the_same_in_a_list_on_a_line_and_under_its_identifier():
    of_object = {"MONDO:0000004": {key: value for key, value in MONDO.items() if key != "id"}}
    assert of_list(MONDO) == [MONDO_TERM]
    assert records_of(json_terms.read_lines, f"\n{json.dumps(MONDO)}\n") == [MONDO_TERM]
    assert records_of(json_terms.read_object, json.dumps(of_object)) == [MONDO_TERM]


@pytest.mark.parametrize(
    ("fields", "concept"),
    [
        ({"id": 219800}, Concept("219800", ("a",))),
        ({"id": "1", "synonyms": None, "xrefs": None, "relations": None, "namespace": None}, Concept("1", ("a",))),
        ({"id": "DOID:4", "namespace": "doid"}, Concept("DOID:4", ("a",))),
        ({"id": 4, "namespace": "ours"}, Concept("OURS:4", ("a",))),
        ({"concept_id": "1", "names": ["b"], "parents": ["2"]}, Concept("1", ("a", "b"), parents=("2",))),
        ({"id": "1", "semantic_types": ["T047"]}, Concept("1", ("a",), semantic_types=("T047",))),
        ({"id": "1", "synonyms": [{"name": "b"}, {"value": "c"}]}, Concept("1", ("a", "b", "c"))),
        ({"id": "1", "name": None, "synonyms": ["b"]}, Concept("1", ("b",))),
    ],
)
def test_keys_of_a_term(fields, concept):
    assert of_list({"name": "a", **fields}) == [Term(concept)]


def test_a_cross_reference_may_be_text():
    (term,) = of_list({"id": "1", "name": "a", "xrefs": ["MESH:D1", {"namespace": "OMIM", "id": 7}]})
    assert term.cross_references == ("MESH:D1", "OMIM:7")


def test_obsolete_terms_are_retired_and_a_name_may_be_missing():
    replaced = {"id": "1", "name": "old", "is_obsolete": True, "replaced_by": ["2"]}
    considered = {"id": "3", "deprecated": True, "consider": ["4", "5"]}
    assert of_list(replaced, considered, {"id": "6"}) == [
        Retired("1", ("2",)),
        Retired("3", ("4", "5"), is_exact=False),
        Unnamed("6"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "cause"),
    [
        ("synonyms", "colitis", "term 1: synonyms is a string, 'colitis'; expected a list"),
        ("alt_ids", "X:9", "term 1: alt_ids is a string, 'X:9'; expected a list"),
        ("xrefs", "MESH:D1", "term 1: xrefs is a string, 'MESH:D1'; expected a list"),
        ("relations", {"is_a": "X:2"}, "term 1: is_a is a string, 'X:2'; expected a list"),
        ("parents", "X:2", "term 1: parents is a string, 'X:2'; expected a list"),
        ("relations", ["X:2"], "term 1: relations is ['X:2']; expected an object"),
        ("synonyms", {"b": 1}, "term 1: synonyms is a JSON dict, {'b': 1}; expected a list"),
        ("synonyms", [7], "term 1: in synonyms is 7; expected texts"),
        ("synonyms", [""], "term 1: in synonyms is ''; expected texts"),
        ("alt_ids", [True], "term 1: in alt_ids is True; expected identifiers"),
        ("xrefs", [{"namespace": "MESH"}], "term 1: in xrefs is {'namespace': 'MESH'}; expected"),
    ],
)
def test_a_field_of_another_kind_costs_that_field_and_never_becomes_letters(field, value, cause):
    rejected, term = of_list({"id": "X:1", "name": "ataxia", field: value})
    assert rejected.cause.startswith(cause)
    assert term == Term(Concept("X:1", ("ataxia",)))


@pytest.mark.parametrize(
    ("item", "cause"),
    [
        ({"name": "x"}, "has no id"),
        ({"id": True, "name": "x"}, "has no id"),
        ({"id": 1.5, "name": "x"}, "has no id"),
        ({"id": " ", "name": "x"}, "has no id"),
        ({"id": ["1"], "name": "x"}, "has no id"),
        ({"id": "1", "name": "x", "namespace": 3}, "namespace is 3; expected text"),
        ("x", "is 'x'; expected an object"),
        (None, "is None; expected an object"),
    ],
)
def test_what_is_no_term_costs_that_term(item, cause):
    before, rejected, after = of_list({"id": "0", "name": "a"}, item, {"id": "2", "name": "b"})
    assert rejected.cause.startswith("term 2: ") and cause in rejected.cause
    assert (before.concept.concept_id, after.concept.concept_id) == ("0", "2")


def test_a_key_that_comes_twice_is_told():
    rejected, term = records_of(json_terms.read_list, '[{"id": "1", "name": "a",\n "name": "b"}]')
    assert rejected.cause == "term 1: has the key 'name' twice, of which the last is taken; the rest of it is read"
    assert term.concept.names == ("b",)


def test_rejections_have_the_line_and_the_record():
    text = '[{"id": "1", "name": "a"},\n\n {"id": "2",\n  "name": "b", "synonyms": "c"}]'
    (rejected,) = only(Rejected, records_of(json_terms.read_list, text))
    assert (rejected.line, json.loads(rejected.raw)["synonyms"]) == (3, "c")


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ('[{"id": "1", "name": "a"},\n {"id": }]', 2, "not JSON (Expecting value at column 9)"),
        ('[{"id": "1", "name": "a"}', 1, "not JSON (the file ends, where `,` should be)"),
        ('[{"id": "1", "name": "a"}] x', 1, "not JSON ('x', where the end of the file should be)"),
        ('[{"id": "1", "name": "a"}' + ", " + "[" * 100_000, 1, "not JSON (nested too deeply)"),
        (f'[{{"id": {"9" * 5000}, "name": "a"}}]', 1, "not JSON (Exceeds the limit"),
    ],
)
def test_a_list_that_breaks_off_is_told_as_the_rest_of_the_file(text, line, cause):
    *_, last = records_of(json_terms.read_list, text)
    assert (last.line, last.is_rest) == (line, True)
    assert last.cause.startswith(cause)


def test_a_bad_line_costs_that_line():
    text = '{"id": "1", "name": "a"}\n{"id": "2", "name"\n{"id": "3", "name": "b"} {}\n[]\n{"id": "5", "name": "c"}\n'
    records = records_of(json_terms.read_lines, text)
    assert [term.concept.concept_id for term in only(Term, records)] == ["1", "5"]
    assert [line for line, _ in causes(records)] == [2, 3, 4]


# {concept_id: [name, ...]}


def test_each_member_is_a_concept_with_its_names_in_order():
    text = '{"D001260": ["ataxia telangiectasia", "louis bar syndrome"],\n "C1": ["β"], "C1": ["b"]}'
    assert records_of(json_names.read, text) == [
        Term(Concept("D001260", ("ataxia telangiectasia", "louis bar syndrome"))),
        Term(Concept("C1", ("β",))),
        Term(Concept("C1", ("b",))),
    ]


@pytest.mark.parametrize(
    ("member", "cause", "names"),
    [
        ('"b"', "concept 'D2' has 'b'; expected a list of names, as in {concept_id: [name, ...]}", None),
        ('{"name": "b"}', "concept 'D2' has {'name': 'b'}; expected a list of names", None),
        ('["b", null]', "concept 'D2': its name 2 is None; expected text", ("b",)),
        ('["b", " "]', "concept 'D2': its name 2 is ' '; expected text", ("b",)),
        ('["b", ["c"]]', "concept 'D2': its name 2 is ['c']; expected text", ("b",)),
        ("[NaN]", "concept 'D2': its name 1 is nan; expected text", None),
        ("[]", "concept 'D2' has no names; expected at least one", None),
    ],
)
def test_a_bad_name_costs_that_name_and_a_bad_concept_that_concept(member, cause, names):
    records = records_of(json_names.read, f'{{"D1": ["a"],\n "D2": {member}, "D3": ["c"]}}')
    ((line, told),) = causes(records)
    assert line == 2 and told.startswith(cause)
    expected = [("a",), *([names] if names else []), ("c",)]
    assert [term.concept.names for term in only(Term, records)] == expected


@pytest.mark.parametrize("text", ['{"terms": [{"id": "1"}]}', '{"id": "1",\n "name": "a"}', '{"concepts": []}'])
def test_an_object_of_another_form_is_refused_with_the_forms_that_are_read(text):
    (rejected,) = records_of(json_names.read, text)
    assert rejected.is_rest
    assert (
        "expected {concept_id: [name, ...]}, {concept_id:" in rejected.cause and "or a list of terms" in rejected.cause
    )
