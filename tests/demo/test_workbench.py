"""Visits, answers, and what keeps visitors apart."""

import json
import threading
from types import SimpleNamespace

import pytest

from angel_hf import KnowledgeBase
from demo.explanation import explain
from demo.handlers import Handlers, precision_choices
from demo.limits import MOST_CHARACTERS, MOST_WAITING, VisitorError
from demo.page import build_page
from demo.workbench import Workbench, annotate, annotate_span, as_row, with_span
from tests.demo.conftest import TEXT


def test_a_text_is_annotated_as_the_model_does_it(visit):
    assert annotate(visit, TEXT) == visit.linker.annotate(TEXT)
    assert annotate(visit, TEXT, precision=0.9) == visit.linker.annotate(TEXT, precision=0.9)


def test_the_api_gives_the_same_answers(workbench, visit):
    rows = Handlers(workbench).answer(TEXT, 0.9)
    assert rows == [as_row(visit, one) for one in visit.linker.annotate(TEXT, precision=0.9)]
    assert json.loads(json.dumps(rows)) == rows
    first = rows[0]
    assert (first["text"], TEXT[first["start"] : first["end"]]) == ("Wilson disease", "Wilson disease")
    assert sum(candidate["share"] for candidate in first["candidates"]) == pytest.approx(1.0, abs=1e-3)


def test_candidates_of_a_row_are_one_a_concept(visit):
    (found,) = annotate(visit, "anemia")
    concepts = [set(candidate["concept_ids"]) for candidate in as_row(visit, found)["candidates"]]
    assert len(set.union(*concepts)) == sum(map(len, concepts)) == len(concepts)
    assert len(visit.linker.link(found.mention).candidates) > len(concepts), "the search finds more names than concepts"


def test_shares_fall_with_the_rank(visit):
    for found in annotate(visit, TEXT):
        shares = [candidate["share"] for candidate in as_row(visit, found)["candidates"]]
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


def test_a_precision_is_offered_where_the_model_has_a_threshold_for_it(workbench, visit):
    assert [value for _, value in precision_choices(visit)] == [0.0, 0.9]
    own = workbench.visit(None, KnowledgeBase.from_names({"X:1": ["Zebra itch"]}))
    assert [value for _, value in precision_choices(own)] == [0.0]


def test_other_settings_mark_the_text_again(workbench, visit):
    handlers = Handlers(workbench)
    page, marked, _ = handlers.mark(TEXT, None, visit)
    assert "NIL" not in marked.partition("angel-legend")[0]
    _, again, _ = handlers.mark_again(page, 0.9, visit)
    assert "NIL" in again.partition("angel-legend")[0]
    nothing = handlers.mark_again(None, 0.9, visit)
    assert all(update["__type__"] == "update" for update in nothing), "nothing is marked, nothing changes"


def test_visitors_wait_in_a_queue_that_ends(workbench):
    assert build_page(workbench)._queue.max_size == MOST_WAITING


def test_a_link_without_a_text_changes_nothing(workbench):
    handlers = Handlers(workbench)
    assert all(update["__type__"] == "update" for update in handlers.from_address(request("  ")))
    text, page, marked, _ = handlers.from_address(request(TEXT))
    assert (text, page.text) == (TEXT, TEXT) and "angel-mention" in marked


def request(text):
    """What a browser asks with when it opens a shared link."""
    return SimpleNamespace(query_params={"text": text})


# What visitors of a public page may load


def test_on_a_public_page_folders_are_no_models(model_dir, positive_dir, tmp_path, monkeypatch):
    public = Workbench(str(model_dir))
    assert public.visit().model_name == str(model_dir), "the page's own"
    assert public.visit(str(positive_dir)).model_name == str(positive_dir), "and its counterpart"
    monkeypatch.chdir(model_dir.parent)
    (model_dir.parent / "a").mkdir(exist_ok=True)
    (model_dir.parent / "a" / "b").mkdir(exist_ok=True)
    for name in ("/etc", "../x", "a/b", str(tmp_path), "name only"):
        with pytest.raises(VisitorError, match="is no model; expected angel-mini, or OWNER/NAME"):
            public.visit(name)


def test_errors_are_shown_without_paths_of_the_server(workbench):
    with pytest.raises(VisitorError) as caught:
        workbench.visit("no/such-model")
    assert str(caught.value).startswith("The model 'no/such-model' could not be loaded: ")
    assert "/root" not in str(caught.value) and "cache/" not in str(caught.value)


def test_who_loads_a_model_keeps_nobody_else_waiting(model_dir, monkeypatch):
    bench = Workbench(str(model_dir), folders=True)
    bench.visit()
    started, release = threading.Event(), threading.Event()

    def slow(name):
        started.set()
        assert release.wait(30)
        raise VisitorError("gone")

    monkeypatch.setattr(bench, "_load", slow)
    waiting = [threading.Thread(target=_refused, args=(bench,)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    assert started.wait(30)
    assert bench.visit().model_name == str(model_dir), "a loaded model is available at once"
    release.set()
    for thread in waiting:
        thread.join(30)
        assert not thread.is_alive()


def _refused(bench):
    with pytest.raises(VisitorError):
        bench.visit("some/model")
