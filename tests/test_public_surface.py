"""What `import angel_hf` gives, and does not do."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

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


SETTINGS = """
import logging, os
import torch
from transformers import AutoModelForSeq2SeqLM, BartForConditionalGeneration

def settings():
    root = logging.getLogger()
    return list(root.handlers), root.level, dict(os.environ), torch.get_num_threads(), torch.is_grad_enabled()

before = settings()
import angel_hf
assert settings() == before, (before, settings())
assert not logging.getLogger("angel_hf").handlers
"""


def test_importing_prints_nothing_and_changes_no_settings_of_the_program():
    result = subprocess.run([sys.executable, "-c", SETTINGS], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
