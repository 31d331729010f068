"""What the page shows: every mark, nothing that executes, not by colour alone."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from angel_hf import Candidate, KnowledgeBase, Mention
from angel_hf.ranking.ranker import STAGES
from angel_hf.results import Annotated
from demo.concepts import concept_page, hierarchy_path
from demo.details import details_html
from demo.explanation import explain
from demo.marking import level, marked_html, percent
from demo.workbench import annotate, as_row
from tests.demo.conftest import CONCEPTS, TEXT

HOSTILE = "<script>alert(1)</script> & <b>anemia</b>"


class Elements(HTMLParser):
    """Every element with its attributes, and the text outside of them."""

    def __init__(self, html):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def marks(self):
        return [attributes for tag, attributes in self.found if tag == "mark"]


def test_every_mention_is_a_button_with_its_answer_in_words(visit):
    annotated = annotate(visit, TEXT)
    page = Elements(marked_html(TEXT, annotated, chosen=1))
    marks = page.marks()
    assert len(marks) == len({one.mention.start for one in annotated}) == 5
    assert all(mark["role"] == "button" and mark["tabindex"] == "0" and mark["aria-label"] for mark in marks)
    assert [mark["aria-pressed"] for mark in marks] == ["false", "true", "false", "false", "false"]
    assert [mark["data-mention"] for mark in marks] == ["0", "1", "2", "3", "4"]
    assert "5 mentions" in page.text and TEXT in page.text


def test_hostile_text_stays_text(visit):
    page = Elements(marked_html(HOSTILE, annotate(visit, HOSTILE)))
    assert HOSTILE in page.text
    assert {tag for tag, _ in page.found} <= {"p", "div", "mark", "ul", "li", "span", "button"}


def test_hostile_names_stay_text(workbench):
    own = KnowledgeBase.from_names({'"><script>alert(1)</script>': ["<img src=x onerror=alert(1)> anemia"]})
    visit = workbench.visit(None, own)
    (found,) = annotate(visit, "img src=x onerror=alert(1)> anemia")
    for html in (details_html(visit, [found]), marked_html(found.mention.text, [found])):
        page = Elements(html)
        assert not {tag for tag, _ in page.found} & {"script", "img", "iframe"}
        assert not any(name.startswith("on") for _, attributes in page.found for name in attributes)
    assert "<img src=x onerror=alert(1)> anemia" in page.text or "img src=x" in page.text


def test_a_composite_mention_is_one_mark_and_as_many_cards_as_parts(visit):
    parts = [one for one in annotate(visit, TEXT) if one.mention.surface == "breast and ovarian cancer"]
    html = details_html(visit, parts)
    assert html.count("<section") == 2
    assert "read as <b>breast cancer</b>" in html and "read as <b>ovarian cancer</b>" in html


def test_details_tell_names_links_path_and_tokens(visit):
    mention = Mention("wilson disease", 0, 14)
    found = Annotated(mention, (Candidate("Wilson Disease", ("D006527",), -0.1),), "wilson disease", 0.93)
    page = Elements(details_html(visit, [found]))
    links = [attributes["href"] for tag, attributes in page.found if tag == "a"]
    assert "https://meshb.nlm.nih.gov/record/ui?ui=D006527" in links
    for shown in (
        "93%, sure",
        "Hepatolenticular Degeneration",
        "Diseases",
        "Liver Diseases",
        "end",
    ):
        assert shown in page.text
    many = Annotated(mention, (Candidate("Anemia", ("D000740",), -0.1),), "anemia", 0.1)
    assert "13 more" in Elements(details_html(visit, [many])).text


def test_tokens_are_called_chosen_where_their_name_was_and_the_search_s_where_another_was(visit):
    mention = Mention("wilson disease", 0, 14)
    searched, other = explain(visit.linker, mention)
    for chosen, titles in ((searched, ("Chosen:", "Runner-up:")), (other, ("Best of the search:", "Next:"))):
        best = Candidate(chosen.name, chosen.concept_ids, -0.1)
        text = Elements(details_html(visit, [Annotated(mention, (best,), "wilson disease", 0.93)])).text
        assert all(title in text for title in titles)


@pytest.mark.parametrize("stage", ["", *STAGES])
def test_what_put_the_first_candidate_there_is_told(visit, stage):
    best = Candidate("Wilson Disease", ("D006527",), -0.1, stage)
    text = Elements(details_html(visit, [Annotated(Mention("wd", 0, 2), (best,), "wd", 0.93)])).text
    assert ("The first is there by " in text) == bool(stage)


def test_what_is_unsure_or_unanswered_says_so(visit):
    found = annotate(visit, "anemia")[0]
    assert "NIL: too unsure to answer" in details_html(visit, [replace(found, is_nil=True)])
    assert "No name of the knowledge base was found" in details_html(
        visit, [replace(found, candidates=(), is_nil=True)]
    )
    assert "no fitted confidence" in details_html(visit, [replace(found, confidence=None)])


def test_a_confidence_for_other_names_is_called_a_hint(workbench):
    own = workbench.visit(None, KnowledgeBase.from_concepts(CONCEPTS[:2]))
    assert "take it as a hint" in details_html(own, annotate(own, "Wilson disease"))


@pytest.mark.parametrize(
    ("confidence", "is_nil", "expected"),
    [
        (0.8, False, "high"),
        (0.79, False, "medium"),
        (0.49, False, "low"),
        (0.99, True, "nil"),
        (None, False, "unknown"),
    ],
)
def test_levels(visit, confidence, is_nil, expected):
    assert level(replace(annotate(visit, "anemia")[0], confidence=confidence, is_nil=is_nil)) == expected


@pytest.mark.parametrize(("value", "shown"), [(0.999, "99%"), (0.001, "1%"), (0.5, "50%"), (0.0, "0%"), (1.0, "100%")])
def test_what_is_not_certain_is_not_shown_as_certain(value, shown):
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("concept_id", "page"),
    [
        ("D006527", "https://meshb.nlm.nih.gov/record/ui?ui=D006527"),
        ("MESH:C535321", "https://meshb.nlm.nih.gov/record/ui?ui=C535321"),
        ("OMIM:277900", "https://omim.org/entry/277900"),
        ("C0019202", "https://uts.nlm.nih.gov/uts/umls/concept/C0019202"),
        ("MONDO:0010200", "https://monarchinitiative.org/MONDO:0010200"),
        ("HP:0001903", "https://hpo.jax.org/browse/term/HP:0001903"),
        ('"><script>', None),
        ("X:1", None),
    ],
)
def test_pages_of_concepts(concept_id, page):
    assert concept_page(concept_id) == page


def test_a_path_ends_at_the_top_and_in_no_circle():
    names = KnowledgeBase.from_concepts(CONCEPTS)
    assert [step for step, _ in hierarchy_path(names, "D006527")] == ["D000001", "D008107", "D006527"]
    assert hierarchy_path(names, "unknown") == []
    circle = [replace(CONCEPTS[0], parents=("D008107",)), replace(CONCEPTS[1], parents=("D006527",))]
    assert len(hierarchy_path(KnowledgeBase.from_concepts(circle), "D006527")) == 2


def test_the_identifiers_of_other_vocabularies_stand_beside_an_answer(workbench):
    """A curator who gets OMIM:114480 for breast cancer sees D001943 beside it."""
    names = KnowledgeBase.from_concepts(
        [replace(CONCEPTS[3], concept_id="OMIM:114480", alternative_ids=("D001943",), cross_references=("MONDO:7",))]
    )
    own = workbench.visit(None, names)
    annotated = annotate(own, "Breast Cancer")
    shown = Elements(details_html(own, annotated)).text
    assert "OMIM:114480 = MESH:D001943 MONDO:7" in shown
    assert "Other identifiers" in shown
    assert as_row(own, annotated[0])["candidates"][0]["mapped_ids"] == ["MESH:D001943", "MONDO:7"]
