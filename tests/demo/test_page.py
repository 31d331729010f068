"""The page in a real browser: what visitors do, and what hostile files cannot."""

import csv
import json
import re
import socket

import pyarrow.parquet as pq
import pytest
from gradio_client import Client

from demo.examples import EXAMPLES
from tests.demo.browser import SCREENSHOTS, browser_path, running_page
from tests.demo.conftest import TEXT

pytestmark = pytest.mark.slow

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
WAIT = 400_000
"""Milliseconds; a busy machine is slow, and nothing here measures speed."""


@pytest.fixture(scope="module")
def address(model_dir, positive_dir, tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running_page(model_dir, port, tmp_path_factory.mktemp("log") / "page.log") as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = browser_path()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()


@pytest.fixture
def visitor(browser, address):
    """Opens the page as a new visitor; fails on a dialog, an error of the page, or a request to anywhere else."""
    contexts, faults = [], []

    def open_page(viewport=None, path=""):
        context = browser.new_context(viewport=viewport or DESKTOP, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: faults.append(f"error {error}"))
        page.on("request", lambda request: _note_outside(request.url, faults))
        page.goto(address + path)
        page.wait_for_selector("#annotate")
        # The handlers of the marked text are in place when its first content is.
        page.wait_for_selector("#marked .angel-empty, #marked .angel-text")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def _note_outside(url, faults):
    if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
        faults.append(f"request to {url}")


def annotate(page, text=TEXT):
    page.fill("#text textarea", text)
    page.click("#annotate")
    page.wait_for_selector("#marked .angel-count")


def marks(page):
    return page.locator("#marked .angel-mention").all_inner_texts()


def upload(page, selector, name, content):
    page.set_input_files(f"{selector} input[type=file]", {"name": name, "mimeType": "text/csv", "buffer": content})


def use_model(page, name):
    page.locator("#settings > button").click()
    box = page.locator("#model textarea, #model input")
    # The browser fills the boxes of a panel just after it opened, over what a program typed within those milliseconds.
    for _ in range(20):
        box.fill(name)
        page.wait_for_timeout(500)
        if box.input_value() == name:
            break
    else:
        pytest.fail(f"the box never kept {name!r}")
    page.click("#use")


def use_own_names(page, name, content):
    if not page.locator("#use").is_visible():
        page.locator("#settings > button").click()
    upload(page, "#own-names", name, content)
    page.wait_for_selector(f"#own-names :text('{name.rpartition('.')[0]}')")
    page.click("#use")


def picture(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(500)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.json", b'{"X:1": ["Zebra itch", "striped itch"]}'),
        ("own.obo", b'format-version: 1.2\n\n[Term]\nid: X:1\nname: Zebra itch\nsynonym: "striped itch" EXACT []\n'),
        ("own.tsv", b"name\tid\nZebra itch|striped itch\tX:1\n"),
    ],
)
def test_other_formats_of_own_names_are_linked_too(visitor, name, content):
    page = visitor()
    annotate(page, "Striped itch, then Wilson disease.")
    assert marks(page) == ["Wilson disease"]
    use_own_names(page, name, content)
    page.wait_for_selector(".angel-status:has-text('your 1 concepts with 2 names')")
    # The text is marked anew, without another click.
    page.wait_for_selector("#marked .angel-mention:text-is('Striped itch')")
    assert marks(page) == ["Striped itch"]
    assert "X:1" in page.inner_text("#details")


def test_own_names_are_linked_at_once_and_nobody_else_sees_them(visitor):
    first, second = visitor(), visitor()
    use_own_names(first, "own.csv", b"concept_id,name,synonyms\nX:1,Zebra itch,striped itch\n")
    first.wait_for_selector(".angel-status:has-text('your 1 concepts')")
    annotate(first, "Striped itch, then Wilson disease.")
    annotate(second, "Striped itch, then Wilson disease.")
    assert (marks(first), marks(second)) == (["Striped itch"], ["Wilson disease"])
    assert "X:1" in first.inner_text("#details") and "take it as a hint" in first.inner_text("#details")
    assert "own 7 concepts" in second.inner_text(".angel-status")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("large.csv", b"id,name\n" + b"X:1,a name\n" * 1_000_000, "large.csv has 11.0 MB; this page takes 5 MB"),
        ("latin.csv", b"id,name\nX:1,na\xefve\n", "latin.csv is not UTF-8: byte 0xef in line 2"),
        ("wrong.csv", b"a,b\n1,2\n", "expected a first line with the columns concept_id and name"),
        ("<b>x.csv", b"a,b\n1,2\n", "is not a knowledge base"),
    ],
)
def test_bad_files_are_refused_in_words(visitor, name, content, message):
    page = visitor()
    page.locator("#settings > button").click()
    upload(page, "#own-names", name, content)
    page.wait_for_selector("#own-names :text('.csv')")
    page.click("#use")
    page.wait_for_selector(f".toast-body:has-text('{message}')")
    assert page.locator(".toast-body b:text-is('x.csv')").count() == 0


def test_hostile_names_are_shown_and_not_run(visitor):
    page = visitor()
    content = b'id,name\n"=cmd|\'/C calc\'!A0","<img src=x onerror=alert(1)> zebra itch"\n'
    use_own_names(page, "own.csv", content)
    page.wait_for_selector(".angel-status:has-text('your 1 concepts')")
    annotate(page, "img src=x onerror=alert(1)> zebra itch")
    page.wait_for_selector("#details h3")
    assert page.locator("#details img, #marked img").count() == 0
    assert "<img src=x" in page.inner_text("#details")


def test_a_batch_gives_files_that_match_the_api(visitor, address, tmp_path):
    page = visitor()
    page.get_by_role("tab", name="Batch").click()
    upload(page, "#documents", "documents.csv", f'id,text\na,"{TEXT}"\nb,anemia\n'.encode())
    page.wait_for_selector("#documents :text('documents')")
    page.click("#run-batch")
    page.wait_for_selector("#batch-done:has-text('mentions in 2 documents')")
    picture(page, "batch")
    with page.expect_download() as download:
        page.locator("#parquet a[download]").first.click()
    download.value.save_as(tmp_path / "annotations.parquet")
    rows = pq.read_table(tmp_path / "annotations.parquet").to_pylist()
    client = Client(address, verbose=False)
    answers = [one for text in (TEXT, "anemia") for one in client.predict(text, 0.0, api_name="/annotate")]
    assert [json.loads(row["candidates"]) for row in rows] == [answer["candidates"] for answer in answers]
    assert [(row["start"], row["end"], row["text"]) for row in rows] == [
        (answer["start"], answer["end"], answer["text"]) for answer in answers
    ]
    with page.expect_download() as download:
        page.locator("#csv a[download]").first.click()
    assert download.value.suggested_filename == "annotations.csv"
    download.value.save_as(tmp_path / "annotations.csv")
    with (tmp_path / "annotations.csv").open(encoding="utf-8-sig", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [json.loads(row["candidates"]) for row in table] == [answer["candidates"] for answer in answers]
    assert [(int(row["start"]), int(row["end"]), row["text"]) for row in table] == [
        (answer["start"], answer["end"], answer["text"]) for answer in answers
    ]


def test_a_pubtator_batch_keeps_its_documents(visitor, tmp_path):
    page = visitor()
    page.get_by_role("tab", name="Batch").click()
    upload(
        page, "#documents", "corpus.pubtator", b"12|t|Anemia.\n12|a|Wilson disease (WD).\n\n13|t|Rare.\n13|a|Anaemia.\n"
    )
    page.wait_for_selector("#documents :text('corpus')")
    page.click("#run-batch")
    page.wait_for_selector("#batch-done:has-text('4 mentions in 2 documents')")
    with page.expect_download() as download:
        page.locator("#parquet a[download]").first.click()
    download.value.save_as(tmp_path / "annotations.parquet")
    rows = pq.read_table(tmp_path / "annotations.parquet").to_pylist()
    assert [(row["document_id"], row["text"]) for row in rows] == [
        ("12", "Anemia"),
        ("12", "Wilson disease"),
        ("12", "WD"),
        ("13", "Anaemia"),
    ]


def test_a_formula_stays_text_in_the_downloaded_spreadsheet(visitor, tmp_path):
    page = visitor()
    use_own_names(page, "own.csv", b'id,name\nX:1,"=HYPERLINK zebra"\n')
    page.wait_for_selector(".angel-status:has-text('your 1 concepts')")
    page.get_by_role("tab", name="Batch").click()
    upload(page, "#documents", "documents.csv", b'id,text\n"=1+1","a zebra =HYPERLINK zebra"\n')
    page.wait_for_selector("#documents :text('documents')")
    page.click("#run-batch")
    page.wait_for_selector("#batch-done:has-text('mentions in 1 documents')")
    with page.expect_download() as download:
        page.locator("#csv a[download]").first.click()
    download.value.save_as(tmp_path / "annotations.csv")
    with (tmp_path / "annotations.csv").open(encoding="utf-8-sig", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert "'=1+1" in cells and "'=HYPERLINK zebra" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


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
