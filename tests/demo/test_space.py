"""The page's folder as a Space: what the Hub reads of it, that it starts from a copy, and that it calls nobody."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from huggingface_hub import metadata_load

import angel_hf
import demo
from demo.workbench import annotate, as_row
from tests.demo.browser import READY_SECONDS
from tests.demo.conftest import TEXT

FOLDER = Path(demo.__file__).parent
ROOT = FOLDER.parent
TITLE = "ANGEL: biomedical entity linking"
_PIN = re.compile(r"([\w-]+)(?:\[[\w,]+\])?==([\w.]+)")

# Writes down every address outside this machine that anything asks for, and lets nobody through.
WATCH = """
import os, socket

def note(address):
    with open(os.environ["ANGEL_TEST_CALLS"], "a") as stream:
        print(address, file=stream)
    raise OSError("no network here")

connect, resolve = socket.socket.connect, socket.getaddrinfo
local = ("127.", "localhost", "0.0.0.0", "::1")

def watched_connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(local):
        note(address)
    return connect(self, address)

def watched_resolve(host, *rest, **more):
    host_name = host.decode() if isinstance(host, bytes) else host
    if host_name and not host_name.startswith(local):
        note(host_name)
    return resolve(host, *rest, **more)

socket.socket.connect, socket.getaddrinfo = watched_connect, watched_resolve
"""


def pins(path):
    return dict(found.groups() for found in map(_PIN.match, path.read_text().splitlines()) if found)


def test_the_card_names_what_is_there():
    card = metadata_load(FOLDER / "README.md")
    assert (card["sdk"], card["sdk_version"]) == ("gradio", pins(FOLDER / "requirements.txt")["gradio"])
    assert (FOLDER / card["app_file"]).is_file()
    assert len(card["short_description"]) <= 60, "the Hub cuts it"


def test_requirements_are_pinned_to_the_releases_that_are_tested():
    required, tested = pins(FOLDER / "requirements.txt"), pins(ROOT / "constraints.txt")
    lines = (FOLDER / "requirements.txt").read_text().splitlines()
    assert len(required) == sum(bool(line) and not line.startswith("#") for line in lines), "every line is a pin"
    assert required.pop("angel-hf") == angel_hf.__version__
    assert required == {name: tested[name] for name in required}


def test_the_code_that_the_page_shows_runs(capsys, visit):
    blocks = re.findall(r"```(\w*)\n(.*?)```", (FOLDER / "code.md").read_text(encoding="utf-8"), re.DOTALL)
    python, client, answer, command = [text for _, text in blocks]
    exec(compile(python, "code.md", "exec"), {})
    assert "Wilson disease ('D006527',)" in capsys.readouterr().out
    compile(client, "code.md", "exec")
    (shown,) = json.loads(f"[{answer}]")
    found = as_row(visit, annotate(visit, TEXT)[0])
    assert list(shown) == list(found) and list(shown["candidates"][0]) == list(found["candidates"][0])
    assert command.startswith("angel annotate --input ")


@pytest.mark.slow
def test_a_copy_of_the_folder_starts_without_a_call_to_anywhere(tmp_path):
    """As on a machine that is new and offline: no cache, and nothing in the environment that keeps calls back."""
    shutil.copytree(FOLDER, tmp_path / "space", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "space" / "page.py"
    source.write_text(source.read_text(encoding="utf-8").replace(TITLE, "The page of the copy"), encoding="utf-8")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCH)
    calls = tmp_path / "calls.txt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keep_back = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "GRADIO_ANALYTICS_ENABLED")
    environment = {name: value for name, value in os.environ.items() if name not in keep_back}
    environment |= {
        "ANGEL_TEST_CALLS": str(calls),
        "GRADIO_SERVER_PORT": str(port),
        "HF_HOME": str(tmp_path / "empty"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)]),
    }
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=tmp_path / "space", env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            page = _fetched(f"http://127.0.0.1:{port}/", process, tmp_path / "log")
        finally:
            process.terminate()
            process.wait(timeout=60)
    assert "The page of the copy" in page, "another folder's page, as that of an installed package"
    assert not calls.exists(), f"it called {calls.read_text()}"


def _fetched(address, process, log):
    limit = time.monotonic() + READY_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the page did not start:\n{log.read_text()}")
