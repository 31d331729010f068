"""The package exports what a script of one's own needs, and says at its door what it is missing."""

import doctest
import subprocess
import sys

import pytest

from angel_hf import training

BLOCKED = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in ("peft", "datasets") else found(name, *rest)
import angel_hf
try:
    import angel_hf.training.recipes.reading
except ImportError as error:
    print(error)
"""


def test_the_example_of_the_docstring_runs(tmp_path):
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    example = parser.get_doctest(training.__doc__, {"output": tmp_path}, "angel_hf.training", None, None)
    assert len(example.examples) > 5
    reports = []
    runner.run(example, out=reports.append)
    assert not reports, "".join(reports)


@pytest.mark.parametrize("name", training.__all__)
def test_every_exported_name_is_documented(name):
    assert name == "LOSSES" or getattr(training, name).__doc__


def test_without_the_extra_the_error_names_it():
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "angel_hf.training needs pip install 'angel-hf[train]' (datasets, peft not found)"
    ), done.stderr
