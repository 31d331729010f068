"""The program around the commands: version, help, the model it loads, a reader that goes away."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from angel_hf import __version__
from angel_hf.cli.linker import Dtype, load_linker
from angel_hf.inference.packed.int8_linear import Int8Linear
from angel_hf.search.options import PUBLISHED, SearchOptions
from tests.cli_stub import RECORD, TableLinker, jsonl, run
from tests.toy import byte_tokenizer, random_model


def test_version_and_help():
    assert run("--version").stdout == f"angel {__version__}\n"
    assert "link" in run("--help").stdout
    for option in ("--input", "--output-format", "--annotations", "--knowledge-base", "--device"):
        assert option in run("link", "--help").stdout


def test_the_model_options_reach_the_loader(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("angel_hf.cli.link.load_linker", lambda *options: asked.append(options) or TableLinker())
    run(
        "link", "[[ataxia]]", "--model", "org/m", "--knowledge-base", "kb", "--revision", "v1", "--device", "cpu",
        "--dtype", "bfloat16",
    )  # fmt: skip
    run("link", "[[ataxia]]")
    assert asked == [("org/m", Path("kb"), "v1", "cpu", "bfloat16"), ("angel-mini", None, None, "auto", "float32")]


def test_departures_from_the_published_search_are_options(monkeypatch):
    linker = TableLinker()
    monkeypatch.setattr("angel_hf.cli.link.load_linker", lambda *options: linker)
    run("link", "[[ataxia]]")
    run("link", "[[ataxia]]", "--context-tokens", "16")
    run("link", "[[ataxia]]", "--verbatim-first")
    assert linker.options == [PUBLISHED, SearchOptions(context_tokens=16), SearchOptions(verbatim_first=True)]


def test_a_model_is_loaded_in_the_number_format_that_was_asked_for():
    for dtype in set(Dtype) - {Dtype.INT8}:
        assert str(load_linker("angel-mini", None, None, "cpu", dtype).dtype) == f"torch.{dtype.value}"


def test_a_model_in_8_bit_integers_links():
    integers = load_linker("angel-mini", None, None, "cpu", Dtype.INT8)
    assert {type(layer.fc1) for layer in integers.model.encoder.layers} == {Int8Linear}
    result = run("link", "[[Wilson disease]]", "--dtype", "int8", "--device", "cpu", "--top-k", 1)
    assert (result.exit_code, json.loads(result.stdout)["mentions"][0]["candidates"][0]["name"]) == (
        0,
        "Wilson Disease",
    )


@pytest.mark.parametrize(
    "arguments",
    [["--device", "abacus"], ["--model", "./absent-folder"], ["--knowledge-base", "absent.json"]],
)
def test_a_model_that_cannot_be_had_is_one_line_and_exit_code_2(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    result = run("link", "[[ataxia]]", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert re.search("abacus|absent", result.stderr)


@pytest.mark.parametrize("command", [["link", "[[ataxia]]"], ["annotate", "ataxia"]])
def test_a_model_that_has_no_knowledge_base_is_one_line_and_exit_code_2(tmp_path, command):
    random_model(byte_tokenizer()).save_pretrained(tmp_path)
    result = run(*command, "--model", tmp_path, "--device", "cpu")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {tmp_path}: has no knowledge base to link to; name one with --knowledge-base\n"


GOES_AWAY = """
import sys
from angel_hf.cli import app, link
from tests.cli_stub import TableLinker
link.load_linker = lambda *options: TableLinker()
sys.argv = ["angel", "link"]
app()
"""


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    """`angel link ... | head -1`, with an output larger than a pipe holds."""
    with subprocess.Popen(
        [sys.executable, "-c", GOES_AWAY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        process.stdout.close()
        _, stderr = process.communicate(jsonl(RECORD).encode() * 2000)
    assert (process.returncode, stderr) == (1, b"")
