"""A small model with names, parents and a confidence, as the page loads it; the running page and its visitors."""

import socket

import pytest
import torch

from angel_hf import AngelForEntityLinking, Concept, KnowledgeBase
from angel_hf.ranking.confidence import Confidence, Features, NilThreshold
from angel_hf.training.weights_only import write_weights_only
from demo.workbench import Workbench
from tests.conftest import SAMPLE
from tests.demo.browser import DESKTOP, WAIT, browser_path, record_outside_request, running_page

CONCEPTS = [
    Concept("D006527", ("Wilson Disease", "Hepatolenticular Degeneration"), parents=("D008107",)),
    Concept("D008107", ("Liver Diseases",), semantic_types=("Disease",), parents=("D000001",)),
    Concept("D000001", ("Diseases",)),
    Concept("D001943", ("Breast Cancer",)),
    Concept("D010051", ("Ovarian Cancer",)),
    Concept("OMIM:208900", ("<img src=x onerror=alert(1)>ataxia",)),
    Concept("D000740", ("Anemia", *(f"Anemia, Kind {number}" for number in range(20)))),
]
TEXT = "Wilson disease (WD) is rare. 🧬 WD, anaemia; breast and ovarian cancer."
CONFIDENCE = Confidence(-0.5, Features(0, 0, 0, exact=3.0, similarity=0), (NilThreshold(0.9, 0.6, 0.5),), "hand")


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    """A tiny model over CONCEPTS, saved; what it finds is arbitrary, but the same each time."""
    model = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny")
    model.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    model.confidence = CONFIDENCE
    directory = tmp_path_factory.mktemp("model")
    model.save_pretrained(directory)
    return directory


@pytest.fixture(scope="session")
def positive_dir(model_dir, tmp_path_factory):
    """The model before it learned from its mistakes, for which a random change of its weights stands in."""
    model = AngelForEntityLinking.from_pretrained(model_dir)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    changed = tmp_path_factory.mktemp("changed")
    model.save_pretrained(changed)
    directory = model_dir.with_name(model_dir.name + "-positive")
    write_weights_only(changed, str(model_dir), directory)
    return directory


@pytest.fixture(scope="session")
def workbench(model_dir):
    return Workbench(str(model_dir), folders=True)


@pytest.fixture
def visit(workbench):
    return workbench.visit()


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
        page.on("request", lambda request: record_outside_request(request.url, faults))
        page.goto(address + path)
        page.wait_for_selector("#annotate")
        # The handlers of the marked text are in place when its first content is.
        page.wait_for_selector("#marked .angel-empty, #marked .angel-text")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
