"""The README's pictures of the page: `python -m tests.demo.pictures --model angel-mini --out docs/images`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from demo.counterpart import positive_counterpart
from demo.examples import EXAMPLES
from tests.demo.browser import browser_path, running_page

DESKTOP, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}
_EXAMPLE, _MENTION = 0, 5


def annotated(page: Page, path: Path) -> None:
    """Annotate an example at the highest precision, choose one of its mentions, and draw what is seen."""
    _choose_highest_precision(page)
    page.get_by_role("button", name=EXAMPLES[_EXAMPLE].label, exact=True).click()
    page.wait_for_selector("#marked .angel-mention")
    chosen = page.locator("#marked .angel-mention").nth(_MENTION)
    surface = chosen.inner_text()
    chosen.click()
    page.wait_for_selector(f"#details h3:text-is('{surface}')")
    _draw(page, path)


def compared(page: Page, path: Path) -> None:
    """Compare the model with its positive-only counterpart on an abstract whose right answers are known."""
    page.get_by_role("tab", name="Compare models").click()
    page.get_by_role("button", name="Abstract 1").click()
    page.wait_for_function("!document.querySelector('#compare-text textarea').value.startsWith('Ataxia')")
    page.click("#compare")
    page.wait_for_selector("#comparison [role=status]")
    _draw(page, path)


def _choose_highest_precision(page: Page) -> None:
    page.locator("#settings > button").click()
    page.locator("#precision input").click()
    page.get_by_role("option").last.click()
    page.locator("#settings > button").click()


def _draw(page: Page, path: Path) -> None:
    """The whole page from its top, when all that moves has come to rest."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=path, full_page=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="angel-mini", help="embedded model, folder or Hub repository")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--port", type=int, default=7869)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = [("demo-desktop", DESKTOP, annotated), ("demo-phone", PHONE, annotated)]
    if positive_counterpart(options.model) is not None:
        pictures.append(("demo-compare", DESKTOP, compared))
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        running_page(options.model, options.port, Path(folder) / "page.log") as address,
    ):
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=browser_path(), args=arguments)
        for name, viewport, draw in pictures:
            page = browser.new_page(viewport=viewport, device_scale_factor=1)
            page.set_default_timeout(120_000)
            page.goto(address)
            page.wait_for_selector("#marked .angel-empty")
            draw(page, options.out / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
