"""Two models side by side, and where the first of them is found."""

from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest

from angel_hf import Candidate, KnowledgeBase, Mention
from angel_hf.results import Annotated
from demo.comparison import Difference, compare, comparison_html
from demo.counterpart import about_counterpart, positive_counterpart
from demo.gold import gold_texts
from demo.handlers import Handlers
from demo.workbench import annotate
from tests.demo.conftest import TEXT
from tests.demo.test_html import Elements

WILSON, LIVER = Candidate("Wilson Disease", ("D006527",), -0.1), Candidate("Liver Diseases", ("D008107",), -0.9)

REQUEST = SimpleNamespace(session_hash="a visitor")


def answer(*candidates):
    return Annotated(Mention("WD", 0, 2), candidates, "Wilson disease")


# The counterpart


def test_the_counterpart_is_the_folder_of_the_same_name_with_positive_at_its_end(model_dir, positive_dir):
    assert positive_counterpart(str(model_dir)) == positive_counterpart(f"{model_dir}/") == str(positive_dir)
    assert "before the second step" in about_counterpart(str(model_dir))


def test_the_embedded_counterpart_is_found_once_its_weights_are_in_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr("demo.counterpart._ASSETS", tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "angel-mini-positive"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert positive_counterpart("angel-mini") is None
    (folder / "model.safetensors").write_bytes(b"weights")
    assert positive_counterpart("angel-mini") == "angel-mini-positive"


@pytest.mark.parametrize("model", ["no/such", "../../*x*"])
def test_where_there_is_no_counterpart_the_page_says_so(model):
    assert positive_counterpart(model) is None
    shown = about_counterpart(model)
    assert shown.startswith("**No positive-only counterpart of ") and "`-positive`" in shown
    assert "*x*" not in shown, "a name is no Markdown"


def test_local_folders_are_not_shown(model_dir):
    assert str(model_dir.parent) not in about_counterpart(str(model_dir))


def test_other_settings_bring_their_own_models_to_compare(workbench, model_dir, positive_dir):
    handlers = Handlers(workbench)
    visit, _, _, left, right, about = handlers.use(str(model_dir), None, REQUEST)
    assert (left, right) == (str(positive_dir), str(model_dir)) and "before the second step" in about
    assert visit.model_name == right
    _, _, _, left, right, about = handlers.use(str(positive_dir), None, REQUEST)
    assert (left, right) == ("", str(positive_dir)) and about.startswith("**No positive-only counterpart")


# The answers


def test_each_model_answers_as_it_does_alone(workbench, model_dir, positive_dir):
    left, right = workbench.visit(str(positive_dir)), workbench.visit(str(model_dir))
    differences = compare(left, right, TEXT)
    assert any(one.is_changed or one.gain for one in differences), "the stand-in differs"
    for visit, side in ((left, "left"), (right, "right")):
        alone = annotate(visit, TEXT)
        together = [getattr(one, side) for one in differences]
        assert [[c.name for c in one.candidates] for one in together] == [
            [c.name for c in one.candidates] for one in alone
        ]
    changed = sum(one.is_changed for one in differences)
    shown = Elements(comparison_html(left, right, differences)).text
    assert f"{changed} of {len(differences)} answers differ." in shown


def test_a_model_differs_from_itself_in_nothing(visit):
    differences = compare(visit, visit, TEXT)
    assert len(differences) == len(annotate(visit, TEXT))
    assert {one.words for one in differences} == {"as before"}


@pytest.mark.parametrize(
    ("left", "right", "gold", "words"),
    [
        ((WILSON, LIVER), (WILSON, LIVER), None, "as before"),
        ((WILSON, LIVER), (LIVER, WILSON), None, "other answer"),
        ((WILSON,), (), None, "other answer"),
        ((), (), None, "as before"),
        # Shares by hand: exp(-.1) / (exp(-.1) + exp(-.9)) = .690, and 1 where there is no other.
        ((WILSON, LIVER), (WILSON,), None, "surer, +31 points"),
        ((WILSON,), (WILSON, LIVER), None, "less sure, -31 points"),
        ((LIVER, WILSON), (WILSON, LIVER), {"D006527"}, "mended"),
        ((WILSON, LIVER), (LIVER, WILSON), {"D006527"}, "spoiled"),
        ((WILSON, LIVER), (LIVER, WILSON), {"X"}, "other answer"),
        ((WILSON, LIVER), (WILSON,), {"D006527"}, "surer, +31 points"),
    ],
)
def test_a_change_in_words(left, right, gold, words):
    assert Difference(answer(*left), answer(*right), gold).words == words


def test_the_summary_counts_what_is_right(visit):
    mended = Difference(answer(LIVER), answer(WILSON), frozenset({"D006527"}))
    same = replace(mended, left=answer(WILSON))
    shown = Elements(comparison_html(visit, visit, [mended, same, same])).text
    assert "1 of 3 answers differ. Of the other 2, 0 became surer and 0 less sure." in shown
    assert "the first model has 2, the second 3." in shown


def test_signs_have_words_too(visit):
    page = Elements(comparison_html(visit, visit, [Difference(answer(LIVER), answer(WILSON), frozenset({"D006527"}))]))
    labels = [attributes.get("aria-label") for tag, attributes in page.found if attributes.get("role") == "img"]
    assert labels == ["wrong:", "right:"]


def test_the_annotated_mentions_of_a_known_abstract_are_compared(workbench):
    default = workbench.visit()
    for text, gold in gold_texts().items():
        differences = compare(default, default, text)
        assert {one.left.mention.start for one in differences} == {one.mention.start for one in gold}
        assert all(one.gold for one in differences)
        names = default.linker.knowledge_base
        known = {place.mention.start: place.resolved(names) for place in gold}
        assert all(one.gold == known[one.left.mention.start] for one in differences)


def test_known_answers_are_not_those_of_ones_own_names(workbench):
    own = workbench.visit(None, KnowledgeBase.from_names({"X:1": ["Wilson disease"]}))
    differences = compare(own, own, next(iter(gold_texts())))
    assert differences and all(one.gold is None for one in differences)


def test_hostile_names_stay_text(workbench):
    own = workbench.visit(None, KnowledgeBase.from_names({'"><b>': ["<img src=x onerror=alert(1)> anemia", "gout"]}))
    page = Elements(comparison_html(own, own, compare(own, own, "img src=x onerror=alert(1)> anemia")))
    assert not {tag for tag, _ in page.found} & {"script", "img"}
    assert not any(name.startswith("on") for _, attributes in page.found for name in attributes)


def test_both_models_link_to_a_visitors_own_names(workbench, model_dir, positive_dir):
    own = workbench.visit(None, KnowledgeBase.from_names({"X:1": ["Zebra itch"]}))
    html = Handlers(workbench).compare("Zebra itch, anemia", str(positive_dir), str(model_dir), own)
    assert html.count("X:1") == 2 and "D000740" not in html


def test_a_model_that_is_not_named_is_asked_for(workbench):
    with pytest.raises(gr.Error, match="Name the first model"):
        Handlers(workbench).compare(TEXT, " ", "angel-mini", None)
    with pytest.raises(gr.Error, match="There is no text yet"):
        Handlers(workbench).compare("", "", "", None)
