"""What `import angel_hf` gives, and does not do."""

import ast
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import angel_hf

PUBLIC = [
    "AngelConfig",
    "AngelForEntityLinking",
    "AngelProcessor",
    "Candidate",
    "Concept",
    "Hypothesis",
    "KnowledgeBase",
    "Linked",
    "Mention",
    "NameTrie",
]
ROOT = Path(__file__).parents[1]


def test_the_public_names_are_these_and_each_tells_what_it_is():
    assert sorted(angel_hf.__all__) == PUBLIC
    assert [name for name in PUBLIC if not (getattr(angel_hf, name).__doc__ or "").strip()] == []


def test_the_version_is_one_everywhere():
    assert angel_hf.__version__ == version("angel-hf")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == angel_hf.__version__


def in_a_fresh_process(code, *arguments):
    """Run code where nothing was imported; what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


SETTINGS = """
import logging, os
import torch
from transformers import {imported}

def settings():
    root = logging.getLogger()
    return list(root.handlers), root.level, dict(os.environ), torch.get_num_threads(), torch.is_grad_enabled()

before = settings()
import angel_hf
assert settings() == before, (before, settings())
angel_hf.AngelForEntityLinking
assert settings() == before, (before, settings())
assert not logging.getLogger("angel_hf").handlers
"""


@pytest.mark.parametrize("imported", ["AutoModelForSeq2SeqLM, BartForConditionalGeneration", "utils"])
def test_importing_prints_nothing_and_changes_no_settings_of_the_program(imported):
    assert in_a_fresh_process(SETTINGS.format(imported=imported)) == ""


LIGHT = """
import sys
import angel_hf
loaded = {"torch", "transformers", "numpy"} & set(sys.modules)
assert not loaded, loaded
from angel_hf import *
assert set(angel_hf.__all__) <= {*globals()} and set(angel_hf.__all__) <= {*dir(angel_hf)}
assert {"__version__", "__doc__"} <= {*dir(angel_hf)}
from copy import deepcopy
from importlib import import_module
for name in angel_hf.__all__:
    value = globals()[name]
    assert value is getattr(angel_hf, name) is getattr(import_module(value.__module__), value.__qualname__)
mention = Mention("ataxia", 0, 6)
assert deepcopy(mention) == mention
try:
    angel_hf.Absent
except AttributeError as error:
    assert str(error) == "module 'angel_hf' has no attribute 'Absent'", error
"""


def test_importing_loads_no_library_and_every_public_name_is_there_on_access():
    assert in_a_fresh_process(LIGHT) == ""


def test_type_checkers_see_the_names_that_are_loaded_on_access():
    """The names that __init__ imports for type checkers, with their modules, are those that it loads."""
    (block,) = [node for node in ast.parse(Path(angel_hf.__file__).read_text()).body if isinstance(node, ast.If)]
    shown = {alias.name: node.module for node in block.body for alias in node.names}
    assert shown == angel_hf._MODULES
    assert sorted(shown) == PUBLIC
