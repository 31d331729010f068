"""The report in a real browser, at the width of a desktop and of a phone."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from typer.testing import CliRunner

from eval_harness.cli import app

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run on the sample."""
    out = tmp_path_factory.mktemp("report")
    given = ["run", "--sample", "--source", str(SAMPLE / "released"), "--knowledge-base", str(SAMPLE / "medic.txt")]
    asked = ["--predictor", "exact", "tfidf", "memory", "--protocol", "strict", "angel", "--out", str(out)]
    ended = CliRunner().invoke(app, [*given, *asked])
    assert ended.exit_code == 0, ended.output
    assert CliRunner().invoke(app, ["leaderboard", str(out)]).exit_code == 0
    return out / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the system: CHROMIUM names it, or it is on the path."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("there is no Chromium here: install it (Debian: apt-get install chromium) or name it in CHROMIUM")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    """The open report; any error, and any request but for the page itself, fails the test."""
    width, height = request.param
    opened = browser.new_page(viewport={"width": width, "height": height})
    trouble: list[str] = []
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    opened.on("request", lambda one: trouble.append(one.url) if not one.url.startswith(("file:", "data:")) else None)
    opened.goto(report.as_uri())
    yield opened
    opened.close()
    assert trouble == []


def test_the_page_fits_its_window(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("figure svg").count() == 3
    for figure in page.locator("figure").all():
        box = figure.bounding_box()
        assert box is not None and box["width"] > 300 and box["height"] > 150
    assert page.locator(".warning").inner_text().startswith("A small sample stands in")


def test_errors_can_be_filtered(page: Page) -> None:
    def count() -> int:
        return int(page.locator("#count").inner_text().split()[0])

    labels = page.locator("#which option").all_inner_texts()
    page.select_option("#which", label=next(label for label in labels if "tfidf, strict" in label))
    everything = count()
    assert page.locator("#list li:visible").count() > 0
    assert page.locator("#list > li").count() == min(everything, 50)
    parts = 0
    for value in ("5", "10", "0", "silent"):
        page.select_option("#rank", value)
        parts += count()
        assert page.locator("#list > li").count() == min(count(), 50)
    assert parts == everything
    page.select_option("#rank", "5")
    assert page.locator("#list > li .right").count() >= page.locator("#list > li").count() > 0
    page.select_option("#rank", "")
    page.select_option("#tag", "abbreviation: yes")
    abbreviations = count()
    page.select_option("#tag", "abbreviation: no")
    assert abbreviations + count() == everything
    page.select_option("#tag", "")
    word = page.locator("#list > li mark").first.inner_text()
    page.fill("#search", word.upper())
    assert 0 < count() <= everything
    page.fill("#search", "no such thing at all")
    assert count() == 0


def test_the_keyboard_reaches_the_slices_of_every_protocol(page: Page) -> None:
    closed = page.locator("details:not([open]) > summary").first
    closed.focus()
    page.keyboard.press("Enter")
    assert page.locator("#slices details[open]").count() == 2


def test_the_leaderboard_fits_its_window(browser: Browser, report: Path) -> None:
    for width in (1280, 390):
        opened = browser.new_page(viewport={"width": width, "height": 800})
        opened.goto((report.parent / "leaderboard.html").as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert opened.locator("h2").count() == 2
        opened.close()
