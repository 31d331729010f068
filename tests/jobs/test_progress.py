"""A bar for long work in front of a person, and for nobody else."""

import io
import sys

import pytest
from transformers.utils import logging as transformers_logging

from angel_hf.jobs import progress
from angel_hf.jobs.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream: io.StringIO) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    # Whatever another test set in transformers.
    monkeypatch.setattr(transformers_logging, "_tqdm_active", True)
    assert list(progress_bar(range(1_000), "name", "tokenising", total=1_000)) == list(range(1_000))
    return stream.getvalue()


def test_long_work_is_shown_on_a_terminal(monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_UNTIL_SHOWN", 0.0)
    assert "tokenising" in shown(monkeypatch, Terminal())


@pytest.mark.parametrize(
    ("seconds", "stream"), [(60.0, Terminal()), (0.0, io.StringIO())], ids=["quick", "no terminal"]
)
def test_quick_work_and_a_pipe_stay_silent(monkeypatch, seconds, stream):
    monkeypatch.setattr(progress, "_SECONDS_UNTIL_SHOWN", seconds)
    assert "tokenising" not in shown(monkeypatch, stream)
