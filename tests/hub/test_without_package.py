"""A repository links without this package: its own code runs, where the user trusts it."""

import json
import os
import pty
import shutil
import subprocess
import sys

import pytest
from transformers import pipeline

from tests.hub_clients import MARKED, NAMES, ROOT, environment, run_python

# What stands before each program: this package cannot be imported, wherever it is installed.
BLOCKED = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"angel_hf", "eval_harness", "hub_cards", "demo"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
"""

LINK = """
import contextlib, io, json, sys
from pathlib import Path
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoProcessor, BartForConditionalGeneration, pipeline

repository, marked, plain_bart = sys.argv[1:]

# Without trust: an error, and no code; where trust is denied, no question either.
doors = (
    AutoConfig.from_pretrained,
    AutoModelForSeq2SeqLM.from_pretrained,
    AutoProcessor.from_pretrained,
    lambda repository, **trust: pipeline("entity-linking", model=repository, **trust),
)
refused, questions = [], io.StringIO()
for trust, asked_on in (({}, sys.stdout), ({"trust_remote_code": False}, questions)):
    for door in doors:
        try:
            with contextlib.redirect_stdout(asked_on):
                door(repository, **trust)
        except ValueError as error:
            refused.append(str(error))
assert not any("transformers_modules" in name and "angel" in name for name in sys.modules)

trusted = {"trust_remote_code": True}
config = AutoConfig.from_pretrained(repository, **trusted)
model = AutoModelForSeq2SeqLM.from_pretrained(repository, **trusted).eval()
processor = AutoProcessor.from_pretrained(repository, **trusted)
mentions = processor.parse(marked)
batch = processor(mentions)
options = {"num_beams": 5, "num_return_sequences": 5}
generated = model.generate(**batch, **options)
by_position = model.generate(batch["input_ids"], **{k: v for k, v in batch.items() if k != "input_ids"}, **options)
assert by_position.tolist() == generated.tolist()

bart = BartForConditionalGeneration.from_pretrained(plain_bart).eval()
local = Path(repository).is_dir()
ordinary = None if local else bart.generate(**batch, **options, custom_generate=repository, **trusted).tolist()

link = pipeline("entity-linking", model=repository, **trusted)
as_dict = {"text": mentions[0].text, "spans": [[one.start, one.end] for one in mentions]}
model.save_pretrained("saved")
print("\\n" + json.dumps({  # transformers leaves a question without an end of line
    "refused": refused,
    "questions": questions.getvalue(),
    "modules": sorted({type(part).__module__.partition(".")[0] for part in (config, model, processor, link)}),
    "package": "angel_hf" in sys.modules,
    "linked": [[[c.name, list(c.concept_ids), c.score] for c in one.candidates] for one in model.link(mentions)],
    "generated": generated.tolist(),
    "ordinary": ordinary,
    "single": link(marked, top_k=2),
    "list": link([marked, as_dict], top_k=2),
    "generator": list(link((one for one in [marked, as_dict, marked]), top_k=2, batch_size=2)),
}))
"""


@pytest.fixture
def expected(model):
    """What this package says about the same text."""
    link = pipeline("entity-linking", model=model)
    mentions = model.processor.parse(MARKED)
    return {
        "linked": [[[c.name, list(c.concept_ids), c.score] for c in one.candidates] for one in model.link(mentions)],
        "generated": model.generate(**model.processor(mentions), num_beams=5, num_return_sequences=5).tolist(),
        "single": link(MARKED, top_k=2),
    }


def check(result, expected):
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert len(found["refused"]) == 2 * 4
    assert all("trust_remote_code=True" in message for message in found["refused"])
    assert found["questions"] == ""
    assert found["modules"] == ["transformers_modules"]
    assert not found["package"]
    assert_close(found["linked"], expected["linked"])
    assert found["generated"] == expected["generated"]
    assert found["ordinary"] in (None, expected["generated"])
    assert_close(found["single"], expected["single"])
    assert_close(found["list"], [expected["single"]] * 2)
    assert_close(found["generator"], [expected["single"]] * 3)
    return found


def assert_close(found, expected):
    """Equal, numbers to 1e-5: the package's engine adds in another order than the one that travels."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected):
            assert_close(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-5)
    else:
        assert found == expected


def test_a_repository_alone_links_with_the_same_scores_and_then_offline(
    repository, hub, tmp_path, expected, tiny_directory
):
    arguments = ("org/angel-tiny", MARKED, tiny_directory)
    online = run_python(BLOCKED + LINK, environment(hub, tmp_path), *arguments, cwd=tmp_path)
    assert check(online, expected)["ordinary"] == expected["generated"]
    # What its own code saves is the repository again, and works from the folder without a single request.
    saved = tmp_path / "saved"
    files = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()}
    assert files == set(repository.files) - {"README.md"}
    hub.requests.clear()
    offline = environment(hub, tmp_path, HF_HUB_OFFLINE="1")
    check(run_python(BLOCKED + LINK, offline, "saved", MARKED, tiny_directory, cwd=tmp_path), expected)
    assert hub.requests == []


@pytest.mark.slow
def test_a_repository_alone_works_offline_from_the_cache(repository, hub, tmp_path, expected, tiny_directory):
    arguments = ("org/angel-tiny", MARKED, tiny_directory)
    check(run_python(BLOCKED + LINK, environment(hub, tmp_path), *arguments, cwd=tmp_path), expected)
    hub.requests.clear()
    offline = environment(hub, tmp_path, HF_HUB_OFFLINE="1")
    check(run_python(BLOCKED + LINK, offline, *arguments, cwd=tmp_path), expected)
    assert hub.requests == []


UNTRUSTED = """
import angel_hf
from transformers import AutoModelForSeq2SeqLM, pipeline

AutoModelForSeq2SeqLM.from_pretrained("org/angel-tiny")
print(pipeline("entity-linking", model="org/angel-tiny")("[[ataxia]]", top_k=1)[0]["name"])
"""


def test_with_this_package_nobody_is_asked_on_a_terminal_either(repository, hub, tmp_path):
    """A prompt would wait for an answer on this terminal."""
    answering, terminal = pty.openpty()
    try:
        result = run_python(UNTRUSTED, environment(hub, tmp_path), stdin=terminal, cwd=ROOT)
    finally:
        os.close(answering)
        os.close(terminal)
    assert result.returncode == 0, result.stderr
    assert result.stdout in {f"{name}\n" for names in NAMES.values() for name in names}


@pytest.mark.slow
def test_an_environment_of_only_transformers_and_torch_links_with_the_same_scores(
    repository, hub, tmp_path, expected, tiny_directory, request
):
    """The packages are those of this environment's releases, installed anew."""
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = home / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", "torch", "transformers"]
    subprocess.run(install, check=True, timeout=900)
    request.addfinalizer(lambda: shutil.rmtree(home))
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], check=True, capture_output=True, text=True)
    installed = {package["name"].lower() for package in json.loads(listed.stdout)}
    absent = {"angel-hf", "angel_hf", "pyarrow", "datasets", "peft", "accelerate", "threadpoolctl"}
    assert installed.isdisjoint(absent)
    arguments = ("org/angel-tiny", MARKED, tiny_directory)
    result = run_python(LINK, environment(hub, tmp_path), *arguments, python=python, cwd=tmp_path)
    assert check(result, expected)["ordinary"] == expected["generated"]
