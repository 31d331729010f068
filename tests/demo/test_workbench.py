"""Visits, answers, and what keeps visitors apart."""

import json

import pytest

from angel_hf import KnowledgeBase
from demo.comparison import compare, comparison_html
from demo.explanation import explain
from demo.handlers import Handlers
from demo.limits import MOST_CHARACTERS, VisitorError
from demo.workbench import annotate, annotate_span, as_row, with_span
from tests.demo.conftest import TEXT


def test_a_text_is_annotated_as_the_model_does_it(visit):
    assert annotate(visit, TEXT) == visit.linker.annotate(TEXT)
    assert annotate(visit, TEXT, precision=0.9) == visit.linker.annotate(TEXT, precision=0.9)


def test_the_api_gives_the_same_answers(workbench, visit):
    rows = Handlers(workbench).answer(TEXT, 0.9)
    assert rows == [as_row(one) for one in visit.linker.annotate(TEXT, precision=0.9)]
    assert json.loads(json.dumps(rows)) == rows
    first = rows[0]
    assert (first["text"], TEXT[first["start"] : first["end"]]) == ("Wilson disease", "Wilson disease")
    assert sum(candidate["share"] for candidate in first["candidates"]) == pytest.approx(1.0, abs=1e-3)


def test_candidates_of_a_row_are_one_a_concept(visit):
    (found,) = annotate(visit, "anemia")
    concepts = [set(candidate["concept_ids"]) for candidate in as_row(found)["candidates"]]
    assert len(set.union(*concepts)) == sum(map(len, concepts)) == len(concepts)
    assert len(visit.linker.link(found.mention).candidates) > len(concepts), "the search finds more names than concepts"


def test_shares_fall_with_the_rank(visit):
    for found in annotate(visit, TEXT):
        shares = [candidate["share"] for candidate in as_row(found)["candidates"]]
        assert shares == sorted(shares, reverse=True)


def test_own_names_are_seen_by_their_visitor_alone(workbench):
    own = workbench.visit(None, KnowledgeBase.from_names({"X:1": ["Zebra itch"]}))
    other = workbench.visit()
    assert [one.best.concept_ids for one in annotate(own, "Zebra itch or Wilson disease")] == [("X:1",)]
    assert [one.mention.surface for one in annotate(other, "Zebra itch or Wilson disease")] == ["Wilson disease"]
    weights = [next(iter(visit.linker.parameters())).data_ptr() for visit in (own, other)]
    assert weights[0] == weights[1], "weights are shared"
    assert other.is_calibrated and not own.is_calibrated


def test_a_precision_means_nothing_for_own_names(workbench):
    own = workbench.visit(None, KnowledgeBase.from_names({"X:1": ["Zebra itch"]}))
    assert not annotate(own, "zebra itch", precision=0.9)[0].is_nil


def test_a_chosen_span_takes_the_place_of_what_it_overlaps(visit):
    annotated = annotate(visit, TEXT)
    start = TEXT.index(" is rare")
    chosen = annotate_span(visit, TEXT, start, start + len(" is rare"))
    assert [one.mention.surface for one in chosen] == ["is rare"]
    merged = with_span(annotated, chosen)
    assert len(merged) == len(annotated) + 1
    assert [one.mention.start for one in merged] == sorted(one.mention.start for one in merged)
    composite = TEXT.index("breast")
    again = with_span(annotated, annotate_span(visit, TEXT, composite, composite + 6))
    assert [one.mention.surface for one in again][-1:] == ["breast"]
    assert "breast and ovarian cancer" not in [one.mention.surface for one in again]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is no text yet"),
        (None, "There is no text yet"),
        ("a" * (MOST_CHARACTERS + 1), "has 10,001 characters; this page takes 10,000"),
    ],
)
def test_texts_that_are_refused(visit, text, message):
    with pytest.raises(VisitorError, match=message):
        annotate(visit, text)


def test_other_refusals(visit, workbench):
    with pytest.raises(VisitorError, match="These words cannot be linked: mention span"):
        annotate_span(visit, TEXT, 5, 5)
    with pytest.raises(VisitorError, match="no threshold for a precision of 0.5"):
        annotate(visit, TEXT, precision=0.5)
    with pytest.raises(VisitorError, match="The model 'no/such-model' could not be loaded"):
        workbench.visit("no/such-model")
    with pytest.raises(VisitorError, match="The model cannot link to this knowledge base: .*takes"):
        workbench.visit(None, KnowledgeBase.from_names({"X:1": ["ab " * 3000]}))


def test_an_explanation_is_the_search_itself(visit):
    found = annotate(visit, TEXT)[1]
    chosen, runner_up = explain(visit.linker, found.mention_read)
    assert chosen.name == found.best.name
    assert chosen.mean == pytest.approx(found.best.score, abs=1e-6)
    assert runner_up.name == found.candidates[1].name
    assert "".join(token.text for token in chosen.tokens).strip() == chosen.name.lower()
    assert chosen.tokens[-1].text == ""


def test_two_models_side_by_side(workbench, visit):
    other = workbench.visit(None, KnowledgeBase.from_names({"D006527": ["Wilson disease"], "X:1": ["Zebra itch"]}))
    same = compare(visit, visit, TEXT)
    assert len(same) == len(annotate(visit, TEXT))
    assert not any(one.is_changed for one in same)
    changed = compare(visit, other, TEXT)
    assert {one.right.best.concept_ids[0] for one in changed} <= {"D006527", "X:1"}
    html = comparison_html(visit, other, changed)
    assert f"{sum(one.is_changed for one in changed)} of {len(changed)} answers differ" in html
    assert html.count("<tr") == len(changed) + 1
