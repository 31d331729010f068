"""The program around the commands: version, help, the model it loads, a reader that goes away."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer

from angel_hf.cli import app, registered
from angel_hf.cli.linker import Dtype, load_linker
from angel_hf.inference.packed.int8_linear import Int8Linear
from angel_hf.search import BeamSearch, VerbatimFirst
from angel_hf.version import __version__
from tests.cli_stub import RECORD, TableLinker, jsonl, run
from tests.toy import byte_tokenizer, random_model

ROOT = Path(__file__).parents[2]
COMMANDS = [
    [], ["link"], ["bulk"], ["annotate"], ["train"], ["mine"], ["kb"], ["kb", "build"], ["kb", "add"], ["kb", "remove"],
    ["kb", "show"], ["kb", "export"], ["kb", "diff"], ["kb", "map"], ["kb", "upgrade"], ["bench"], ["bench", "page"],
    ["convert"], ["push"], ["push", "model"], ["push", "adapter"], ["push", "dataset"], ["push", "space"],
    ["push", "metric"],
]  # fmt: skip


def test_version_and_help():
    assert run("--version").stdout == f"angel {__version__}\n"
    assert "link" in run("--help").stdout
    for option in ("--input", "--output-format", "--annotations", "--knowledge-base", "--device"):
        assert option in run("link", "--help").stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_a_short_option_for_help(command):
    long, short = run(*command, "--help"), run(*command, "-h")
    assert (long.exit_code, short.exit_code) == (0, 0), long.output
    assert long.stdout == short.stdout
    assert " ".join(["Usage: angel", *command]) in long.stdout


def commands_of(command, prefix=()):
    yield [*prefix]
    context = typer.Context(command)
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        yield from commands_of(command.get_command(context, name), (*prefix, name))


def test_the_list_of_commands_above_is_complete():
    assert sorted(commands_of(typer.main.get_command(app))) == sorted(COMMANDS)


HELP = """
import contextlib, io, json, resource, sys
from angel_hf.cli import app
heavy = {"torch", "transformers", "pyarrow", "huggingface_hub"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
for arguments in [["--version"], *([*command, "--help"] for command in json.loads(sys.argv[1]))]:
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        app(arguments)
    assert shown.getvalue()
    assert not heavy & set(sys.modules), (arguments, heavy & set(sys.modules))
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
"""


def help_in_a_fresh_process(commands):
    """Processor seconds of the help of some commands, which loads no library."""
    result = subprocess.run(
        [sys.executable, "-c", HELP, json.dumps(commands)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    return float(result.stdout)


def test_version_and_help_of_every_command_load_no_library():
    help_in_a_fresh_process(COMMANDS)


def test_version_and_help_take_less_than_a_second_of_the_processor():
    # The least of a few, since another program on the same core makes each instruction slower.
    assert min(help_in_a_fresh_process([[], ["link"]]) for _ in range(3)) < 1


def test_the_package_is_the_program():
    result = subprocess.run([sys.executable, "-m", "angel_hf", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, f"angel {__version__}\n")
    result = subprocess.run([sys.executable, "-m", "angel_hf", "link", "-h"], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.startswith("Usage: angel link ")


def test_completion_is_installed_and_completes_commands_options_and_registered_commands(tmp_path):
    environment = os.environ | {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    program = [sys.executable, "-m", "angel_hf"]
    installed = subprocess.run(
        [*program, "--install-completion", "bash"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert installed.returncode == 0, installed.stderr
    assert "bash completion installed" in installed.stdout
    assert "angel" in (tmp_path / ".bashrc").read_text()
    for words, expected in (("angel bu", "bulk"), ("angel pu", "push"), ("angel link --verb", "--verbatim-first")):
        typed = {"_ANGEL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        completed = subprocess.run(program, cwd=ROOT, env=environment | typed, capture_output=True, text=True)
        assert completed.stdout.split() == [expected]


# Commands of other packages


@pytest.fixture
def register(monkeypatch):
    """A function that replaces the registered commands."""

    def replace(**values):
        found = [EntryPoint(name, value, registered.GROUP) for name, value in values.items()]
        monkeypatch.setattr(registered, "entry_points", lambda group: found)
        registered._registered.cache_clear()

    yield replace
    monkeypatch.undo()
    registered._registered.cache_clear()


def test_a_registered_command_whose_module_is_missing_is_not_offered(register):
    """As that of the benchmarks, which only a source tree has."""
    register(bench="absent_package.command:app", other="benchmarks.absent:app", push="hub_cards.cli:app")
    shown = run("--help").stdout
    assert "  push " in shown
    assert "bench" not in shown
    assert "other" not in shown
    result = run("bench")
    assert result.exit_code == 2
    assert "No such command 'bench'" in result.stderr


def test_a_module_of_a_registered_command_is_imported_for_that_command_alone(register, tmp_path, monkeypatch):
    (tmp_path / "greeting_command.py").write_text("def greet(name: str):\n    'Greet.'\n    print('hello', name)\n")
    (tmp_path / "broken_command.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    register(greet="greeting_command:greet", broken="broken_command:app", link="broken_command:app")
    assert run("greet", "you").stdout == "hello you\n"
    assert run("link", "--help").exit_code == 0, "commands of the package come first"
    assert run("greet", "-h").stdout.startswith("Usage: angel greet ")
    assert isinstance(run("broken").exception, RuntimeError)


def test_mined_pairs_are_pushed_by_the_command_that_pushes_if_it_is_installed(register, tmp_path):
    register()
    result = run("mine", "--recipe", "own_corpus", "--model", "m", "--output", tmp_path / "out", "--push-to", "org/d")
    assert result.exit_code == 2
    assert result.stderr == "error: --push-to needs `angel push`, of the package hub_cards, which is not installed\n"


# Models


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
    beams = BeamSearch()
    assert linker.options == [(beams, None), (beams, 16), (VerbatimFirst(beams), None)]


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
def test_an_unavailable_model_is_one_line_and_exit_code_2(tmp_path, monkeypatch, arguments):
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
