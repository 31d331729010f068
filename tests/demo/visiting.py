"""What visitors of the page do, in a browser."""

import pytest

from tests.demo.browser import SCREENSHOTS
from tests.demo.conftest import TEXT


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
