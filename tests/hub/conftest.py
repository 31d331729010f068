"""A loopback Hub that this process, or a new one, takes for huggingface.co; and a small model to put there."""

import sys

import pytest
from huggingface_hub import constants
from transformers import dynamic_module_utils

from angel_hf import AngelForEntityLinking, KnowledgeBase
from tests.hub_clients import NAMES, READ_TOKEN, ROOT, TOKEN, see
from tests.loopback_hub import LoopbackHub


@pytest.fixture
def hub():
    """A Hub with two users of the organization `org`: one may write."""
    with LoopbackHub() as hub:
        hub.add_user("writer", TOKEN, organizations=("org",))
        hub.add_user("reader", READ_TOKEN, organizations=("org",), can_write=False)
        hub.add_user("stranger", "hf_loopbackstranger")
        yield hub


@pytest.fixture
def online(hub, monkeypatch, tmp_path):
    """The Hub, as this process's clients see it, with an empty cache and the token that may write."""
    see(hub, monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    return hub


@pytest.fixture
def offline(online, monkeypatch):
    """Call it, and the clients of this process ask nothing any more."""
    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def own_modules(monkeypatch, tmp_path):
    """Code of repositories goes into a folder of this test, and is forgotten after it."""

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] == "transformers_modules"]:
            del sys.modules[name]

    forget()
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    yield
    forget()


@pytest.fixture(scope="session")
def tiny_directory():
    """A trained BART of the smallest size with its tokenizer."""
    return ROOT / "tests" / "sample" / "reference" / "tiny"


@pytest.fixture(scope="session")
def model(tiny_directory):
    """A small whole model; tests that change it load their own."""
    names = KnowledgeBase.from_names(NAMES)
    return AngelForEntityLinking.from_pretrained(tiny_directory, knowledge_base=names).eval()


@pytest.fixture(scope="session")
def pushed_files(model):
    """What a push of the small model leaves in a repository."""
    with LoopbackHub() as hub, pytest.MonkeyPatch.context() as patch:
        hub.add_user("org", TOKEN)
        see(hub, patch)
        model.push_to_hub("org/angel-tiny")
        return hub.repository("org/angel-tiny").files


@pytest.fixture
def repository(online, pushed_files):
    """The small model as it was pushed to `org/angel-tiny`."""
    repository = online.create("org/angel-tiny")
    repository.put(pushed_files)
    return repository


FACTS = """
title = "angel-tiny"
license = "apache-2.0"
[knowledge_base]
name = "{name}"
version = "2023AB"
license = "its licence"
url = "https://example.org"
[training]
recipe = "tiny"
data = "a few names"
"""


@pytest.fixture
def facts(tmp_path):
    """A function that writes the facts of a card, for a knowledge base of a given name."""

    def write(name="MEDIC"):
        path = tmp_path / "card.toml"
        path.write_text(FACTS.format(name=name), encoding="utf-8")
        return path

    return write
