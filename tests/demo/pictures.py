"""The README's pictures of the page: `python -m tests.demo.pictures --model angel-mini --out docs/images`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from demo.examples import EXAMPLES
from tests.demo.browser import browser_path, running_page

_PICTURES = (
    ("demo-desktop", {"width": 1280, "height": 1000}, 0, 2),
    ("demo-phone", {"width": 390, "height": 844}, 0, 2),
)


def take(page: Page, address: str, example: int, mention: int, path: Path) -> None:
    """Annotate an example, choose one of its mentions, and draw what is seen, the page's top first."""
    page.set_default_timeout(120_000)
    page.goto(address)
    page.get_by_role("button", name=EXAMPLES[example].label).click()
    page.wait_for_selector("#marked .angel-mention")
    chosen = page.locator("#marked .angel-mention").nth(mention)
    surface = chosen.inner_text()
    chosen.click()
    page.wait_for_selector(f"#details h3:text-is('{surface}')")
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=path, full_page=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("angel-mini"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--port", type=int, default=7869)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        running_page(options.model, options.port, Path(folder) / "page.log") as address,
    ):
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=browser_path(), args=arguments)
        for name, viewport, example, mention in _PICTURES:
            page = browser.new_page(viewport=viewport, device_scale_factor=1)
            take(page, address, example, mention, options.out / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
