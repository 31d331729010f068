"""The page in a real browser: what visitors do, and what hostile files cannot."""

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
WAIT = 60_000


@pytest.fixture(scope="module")
def address(model_dir, tmp_path_factory):
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


def use_own_names(page, name, content):
    if not page.locator("#use").is_visible():
        page.get_by_text("Model, knowledge base, and when to answer nothing").click()
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
        page.get_by_role("button", name=example.label).click()
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
    if not page.locator("#use").is_visible():
        page.get_by_text("Model, knowledge base, and when to answer nothing").click()
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


def test_two_models_are_compared(visitor, model_dir):
    page = visitor()
    page.get_by_role("tab", name="Compare models").click()
    page.fill("#right textarea, #right input", str(model_dir))
    page.fill("#compare-text textarea", TEXT)
    page.click("#compare")
    page.wait_for_selector("#comparison [role=status]")
    assert "0 of 6 answers differ" in page.inner_text("#comparison")


def test_nothing_to_annotate_is_told(visitor):
    page = visitor()
    page.click("#annotate")
    page.wait_for_selector(".toast-body:has-text('There is no text yet')")


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
