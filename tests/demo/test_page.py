"""The page in a real browser: what visitors do, and what hostile files cannot."""

import re

import pytest

from demo.examples import EXAMPLES
from tests.demo.browser import PHONE
from tests.demo.conftest import TEXT
from tests.demo.visiting import annotate, marks, picture, use_model

pytestmark = pytest.mark.slow


def test_a_pasted_text_is_marked_and_a_click_tells_more(visitor):
    page = visitor()
    annotate(page)
    assert marks(page) == ["Wilson disease", "WD", "WD", "anaemia", "breast and ovarian cancer"]
    page.locator("#marked .angel-mention").nth(1).click()
    page.wait_for_selector("#details h3:text-is('WD')")
    assert "read as Wilson disease" in page.inner_text("#details")
    for part in ("Candidates", "Token by token", "name of D", "Place in the hierarchy"):
        assert part in page.inner_text("#details")
    assert page.locator("#marked .angel-mention").nth(1).get_attribute("aria-pressed") == "true"
    picture(page, "desktop")


def test_every_example_is_annotated(visitor):
    page = visitor()
    for example in EXAMPLES:
        page.get_by_role("button", name=example.label, exact=True).click()
        page.wait_for_function(
            "text => document.querySelector('#marked .angel-text')?.textContent === text", arg=example.text
        )


def test_the_keyboard_alone_reaches_a_mention(visitor):
    page = visitor()
    annotate(page)
    page.locator("#marked .angel-mention").nth(2).focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "anaemia"
    page.keyboard.press("Enter")
    page.wait_for_selector("#details h3:text-is('anaemia')")


def test_a_text_is_written_annotated_and_explored_by_keys_alone(visitor):
    page = visitor()
    reached = _tab_until(page, "document.activeElement.closest('#text') !== null")
    page.keyboard.type("Wilson disease, anaemia.")
    reached += _tab_until(page, "document.activeElement.id === 'annotate'")
    page.keyboard.press("Enter")
    page.wait_for_selector("#marked .angel-mention")
    for surface in ("Wilson disease", "anaemia"):
        _tab_until(page, f"document.activeElement.textContent === '{surface}'")
        focus = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert focus == "solid", "the focus is seen"
        page.keyboard.press("Space")
        page.wait_for_selector(f"#details h3:text-is('{surface}')")
    _tab_until(page, "document.activeElement.closest('#details a') !== null")
    assert page.evaluate("document.activeElement.href").startswith("https://")
    assert reached < 30, "nothing holds the focus, and little stands in the way"


def _tab_until(page, condition):
    """Press Tab until a condition on the focus holds; how often that was."""
    for pressed in range(40):
        if pressed:
            page.keyboard.press("Tab")
        if page.evaluate(condition):
            return pressed
    raise AssertionError(f"40 times Tab, and never {condition}")


def test_selected_words_are_linked(visitor):
    page = visitor()
    annotate(page)
    assert page.locator(".angel-link-selection").is_disabled()
    # "is rare. 🧬" ends in a character of two UTF-16 units; offsets after it must count one.
    page.evaluate(
        """() => {
          const nodes = [...document.querySelector('#marked .angel-text').childNodes];
          const node = nodes.find((one) => one.textContent.includes('rare'));
          const range = document.createRange();
          const start = node.textContent.indexOf('rare');
          range.setStart(node, start);
          range.setEnd(node, node.textContent.length);
          document.getSelection().removeAllRanges();
          document.getSelection().addRange(range);
        }"""
    )
    page.click(".angel-link-selection:enabled")
    page.wait_for_selector("#details h3:text-is('rare. 🧬')")
    assert "rare. 🧬" in marks(page)
    assert "".join(page.inner_text("#marked .angel-text").split()) == "".join(TEXT.split())


def test_a_shared_link_opens_its_text(visitor):
    page = visitor()
    page.fill("#text textarea", "anemia & <b>")
    page.click("#share")
    page.wait_for_selector("#link textarea, #link input")
    link = page.locator("#link textarea, #link input").input_value()
    other = visitor(path=link.partition("/?")[2] and "?" + link.partition("/?")[2])
    other.wait_for_selector("#marked .angel-mention")
    assert marks(other) == ["anemia"]
    assert other.input_value("#text textarea") == "anemia & <b>"


def test_markup_in_a_text_is_shown_and_not_run(visitor):
    page = visitor()
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script> anemia"
    annotate(page, hostile)
    assert page.inner_text("#marked .angel-text") == hostile
    assert page.locator("#marked img, #marked script, #details img").count() == 0


def test_the_model_is_compared_with_its_positive_only_counterpart(visitor, model_dir, positive_dir):
    page = visitor()
    page.get_by_role("tab", name="Compare models").click()
    assert page.input_value("#left textarea, #left input") == str(positive_dir)
    assert "before the second step" in page.inner_text("#about-counterpart")
    page.fill("#compare-text textarea", TEXT)
    page.click("#compare")
    page.wait_for_selector("#comparison [role=status]")
    heads = page.locator("#comparison thead th").all_inner_texts()
    assert heads == ["Mention", positive_dir.name, model_dir.name, "Change"]
    assert re.search(r"\d of 6 answers differ", page.inner_text("#comparison"))
    picture(page, "compare")


def test_abstracts_with_known_answers_tell_which_model_is_right(visitor):
    page = visitor()
    page.get_by_role("tab", name="Compare models").click()
    page.get_by_role("button", name="Abstract 3").click()
    page.wait_for_function("document.querySelector('#compare-text textarea').value.startsWith('Risk reversals')")
    page.click("#compare")
    page.wait_for_selector("#comparison :text('The right answers are known here')")
    assert page.locator("#comparison [aria-label='right:'], #comparison [aria-label='wrong:']").count() > 0


def test_another_model_brings_its_own_counterpart_or_says_that_there_is_none(visitor, positive_dir):
    page = visitor()
    use_model(page, str(positive_dir))
    page.wait_for_selector(f".angel-status:has-text('{positive_dir.name}')")
    page.get_by_role("tab", name="Compare models").click()
    page.wait_for_selector("#about-counterpart:has-text('No positive-only counterpart')")
    assert page.input_value("#left textarea, #left input") == ""
    page.click("#compare")
    page.wait_for_selector(".toast-body:has-text('Name the first model')")
    page.click("#reset")
    page.wait_for_selector("#about-counterpart:has-text('before the second step')")


def test_an_unavailable_model_is_reported_without_a_traceback(visitor):
    page = visitor()
    use_model(page, "nobody/nothing")
    page.wait_for_selector(".toast-body:has-text('could not be loaded')")
    shown = page.inner_text(".toast-body")
    assert "Traceback" not in shown and "/root" not in shown and "cache/" not in shown


def test_a_precision_makes_unsure_answers_nil_at_once(visitor):
    page = visitor()
    annotate(page)
    assert page.locator("#marked .angel-nil.angel-mention").count() == 0
    page.locator("#settings > button").click()
    page.locator("#precision input").click()
    page.get_by_role("option", name="Keep 90% of the answers right").click()
    page.wait_for_selector("#marked .angel-mention.angel-nil")
    assert page.locator("#marked .angel-mention.angel-nil").first.get_attribute("data-note") == "NIL"
    picture(page, "nil")


def test_nothing_to_annotate_is_reported(visitor):
    page = visitor()
    page.click("#annotate")
    page.wait_for_selector(".toast-body:has-text('There is no text yet')")


@pytest.mark.parametrize("tab", ["Batch", "Compare models", "Use it in code"])
def test_on_a_phone_every_tab_fits(visitor, tab):
    page = visitor(PHONE)
    if not page.get_by_role("tab", name=tab).is_visible():
        page.get_by_label("More tabs").click()
        page.locator(".overflow-dropdown button", has_text=tab).click()
    else:
        page.get_by_role("tab", name=tab).click()
    if tab == "Compare models":
        page.click("#compare")
        page.wait_for_selector("#comparison [role=status]")
        cells = page.locator("#comparison td").evaluate_all("cells => cells.map(e => e.getBoundingClientRect().right)")
        assert max(cells) <= PHONE["width"], "both models' answers are seen without moving the table"
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, f"phone-{tab.split()[0].lower()}")


def test_on_a_phone_nothing_is_wider_than_the_screen(visitor):
    page = visitor(PHONE)
    annotate(page, EXAMPLES[0].text)
    page.locator("#marked .angel-mention").first.click()
    page.wait_for_selector("#details h3")
    page.wait_for_function("document.getElementById('details').getBoundingClientRect().top < 500")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('.angel-mention')].filter(e => e.getBoundingClientRect().height < 24).length"
    )
    assert small == 0, "a finger finds every mention"
    picture(page, "phone")


def test_colour_is_not_the_only_sign(visitor):
    page = visitor()
    annotate(page)
    notes = page.eval_on_selector_all(".angel-mention", "marks => marks.map(e => e.dataset.note)")
    assert all(re.fullmatch(r"\d+%|NIL", note) for note in notes)
    styles = page.eval_on_selector_all(
        ".angel-key",
        "keys => keys.map(e => getComputedStyle(e).borderBottomStyle + getComputedStyle(e).textDecorationLine)",
    )
    assert len(set(styles)) == 4
