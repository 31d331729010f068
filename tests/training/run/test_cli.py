"""`angel train` and `angel mine` as a user types them."""

import dataclasses
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pyarrow.parquet as pq
import pytest
import torch
from datasets import load_from_disk
from huggingface_hub import HfApi, constants
from safetensors.torch import load_file
from typer.testing import CliRunner

from angel_hf import AngelForEntityLinking
from angel_hf.cli import app
from angel_hf.search import BeamSearch
from angel_hf.training.model.accuracy import accuracy
from angel_hf.training.preference import loss as preference_loss
from angel_hf.training.recipes.reading import read_recipe
from angel_hf.training.run import pipeline
from angel_hf.training.run.pipeline import run_recipe
from angel_hf.training.stage.materials import Materials
from tests.hub_clients import TOKEN, see
from tests.loopback_hub import LoopbackHub

RECIPE = """
name = "small"
description = "A recipe of a test."
seed = 1

[data]
knowledge_base = ["medic.txt"]
train = ["train.txt"]

[model]
vocabulary_size = 500
d_model = 32
encoder_layers = 1
decoder_layers = 1
attention_heads = 2
ffn_dim = 64
max_positions = 128
max_source_length = 32

[pretraining]
steps = 8
batch_size = 8
learning_rate = 3e-3
save_steps = 2

[fine_tuning]
steps = 4
batch_size = 8
learning_rate = 1e-3
save_steps = 2
"""
PREFERENCE = """
[preference]
steps = 4
batch_size = 2
learning_rate = 1e-3
save_steps = 2
mining = {sources = ["train", "knowledge-base"], names = 8, num_beams = 4, top_k = 3}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory, concepts, record):
    path = tmp_path_factory.mktemp("data")
    lines = ["|".join([c.concept_id, *c.alternative_ids]) + "||" + "|".join(c.names) for c in concepts]
    (path / "medic.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    records = [re.sub("^7", str(number), record, flags=re.MULTILINE) for number in (7, 8)]
    (path / "train.txt").write_text("\n".join(records), encoding="utf-8")
    (path / "small.toml").write_text(RECIPE, encoding="utf-8")
    (path / "preference.toml").write_text(RECIPE + PREFERENCE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def output(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "output"
    run_recipe(read_recipe(str(data / "small.toml")), data, path)
    return path


def angel(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_dry_run_shows_the_plan_and_makes_nothing(data, tmp_path):
    result = angel("train", "--recipe", data / "preference.toml", "--output", tmp_path / "x", "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert "small: A recipe of a test." in result.stdout
    for stage in ("pretraining", "fine_tuning", "preference"):
        assert re.search(rf"^{stage} +(<=)?\d+ +\d+ = 1 x 1 x \d+ +0.0 GB +\d+ s$", result.stdout, re.MULTILINE)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--recipe", "nothing"], "error: no recipe 'nothing'; expected a file, or one of "),
        (["--recipe", "{small}", "--set", "fine_tuning.step=3"], "unknown key 'step'; did you mean 'steps'?"),
        (["--recipe", "{small}", "--data", "/nowhere"], "error: recipe small: no file /nowhere/medic.txt, "),
        (["--recipe", "{small}", "--data", "{data}", "--set", "fine_tuning.batch_size=0"], "expected 1 or more"),
    ],
)
def test_an_impossible_run_is_reported_in_one_line(data, tmp_path, arguments, error):
    filled = [argument.format(small=data / "small.toml", data=data) for argument in arguments]
    result = angel("train", "--output", tmp_path / "x", *filled)
    assert result.exit_code == 2
    assert error in result.stderr and "Traceback" not in result.stderr


def test_the_wrong_trl_stops_a_recipe_before_it_starts(data, tmp_path, monkeypatch):
    monkeypatch.setattr(preference_loss.metadata, "version", lambda _: "0.29.0")
    result = angel("train", "--recipe", data / "preference.toml", "--data", data, "--output", tmp_path / "x")
    assert result.exit_code == 2
    assert "takes its options from TRL 1.16 and found 0.29.0" in result.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("changes", [(), ("--set", "adapter.rank=2", "--set", "adapter.alpha=4")])
def test_finished_stages_of_another_run_are_taken_over(output, data, tmp_path, monkeypatch, caplog, changes):
    caplog.set_level("INFO")
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    trained = []
    monkeypatch.setattr(pipeline, "prefer", lambda *arguments: trained.append("preference"))
    result = angel(
        "train", "--recipe", data / "preference.toml", "--data", data, "--output", tmp_path / "x", "--reuse", output,
        *changes,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert trained == ["preference"]
    for stage in ("pretraining", "fine-tuning"):
        first, second = (path / stage / "finished" / "model.safetensors" for path in (output, tmp_path / "x"))
        assert first.samefile(second)
    angel(
        "train", "--recipe", data / "small.toml", "--data", data, "--output", tmp_path / "z", "--reuse", output,
        "--set", "fine_tuning.steps=5",
    )  # fmt: skip
    assert "from fine_tuning on nothing is reused; fine_tuning.steps was 4 and is 5" in caplog.text
    assert (tmp_path / "z" / "pretraining" / "finished" / "model.safetensors").stat().st_nlink > 1
    changed = angel(
        "train", "--recipe", data / "small.toml", "--data", data, "--output", tmp_path / "y", "--reuse", output,
        "--set", "seed=2",
    )  # fmt: skip
    assert changed.exit_code == 2
    assert "cannot be reused: seed was 1 and is 2" in changed.stderr


def test_pairs_are_mined_with_a_model(output, data, tmp_path):
    result = angel(
        "mine", "--recipe", data / "preference.toml", "--model", output / "model", "--data", data, "--output",
        tmp_path / "pairs",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = pq.read_table(tmp_path / "pairs" / "train.parquet").to_pylist()
    assert result.stdout.strip().endswith(f"{len(rows)} pairs")
    assert {row["source"] for row in rows} == {"train", "knowledge-base"}
    for row in rows:
        assert not set(row["gold_concepts"]) & set(row["rejected_concepts"])
        assert set(row["gold_concepts"]) & set(row["chosen_concepts"])
        assert row["chosen_rank"] is None or row["chosen_rank"] > row["rejected_rank"] or row["chosen_rank"] == 1
    assert "mined by `angel mine`" in (tmp_path / "pairs" / "README.md").read_text(encoding="utf-8").lower()


def test_mined_pairs_go_out_as_a_private_data_set(output, data, tmp_path, monkeypatch):
    with LoopbackHub() as hub:
        hub.add_user("writer", TOKEN, organizations=("org",))
        see(hub, monkeypatch)
        result = angel(
            "mine", "--recipe", data / "preference.toml", "--model", output / "model", "--data", data, "--output",
            tmp_path / "pairs", "--push-to", "org/pairs",
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        pushed = HfApi(hub.endpoint, token=TOKEN).dataset_info("org/pairs")
    assert pushed.private
    assert {file.rfilename for file in pushed.siblings} >= {"train.parquet", "README.md"}


FACTS = """
title = "small"
license = "apache-2.0"
[knowledge_base]
name = "MEDIC"
version = "a few names"
license = "its licence"
url = "https://example.org"
[training]
recipe = "small"
data = "two documents"
"""


def test_adapters_of_a_run_link_as_its_model_does_here_and_from_the_hub(output, data, mentions, tmp_path, monkeypatch):
    """With their base, which is pushed first: what is loaded must come from the Hub, as the run is gone by then."""

    def linked(name, **options):
        model = AngelForEntityLinking.from_pretrained(name, **options).eval()
        answers = model.link([annotated.mention for annotated in mentions], top_k=5, search=BeamSearch(5))
        return [[(one.name, one.concept_ids) for one in answer.candidates] for answer in answers], [
            one.score for answer in answers for one in answer.candidates
        ]

    changes = ("adapter={rank=2, alpha=4}", "preference.learning_rate=1e-2")
    run, facts = tmp_path / "run", tmp_path / "card.toml"
    run_recipe(read_recipe(str(data / "preference.toml"), changes), data, run, reused=output)
    facts.write_text(FACTS, encoding="utf-8")
    whole, here, base = (linked(run / name) for name in ("model", "adapter", "base"))
    assert here[0] == whole[0] and here[1] == pytest.approx(whole[1], abs=1e-4)
    assert base[1] != pytest.approx(whole[1], abs=1e-2)
    with LoopbackHub() as hub:
        hub.add_user("writer", TOKEN, organizations=("org",))
        see(hub, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        for arguments in (
            ("model", run / "base", "org/base", "--facts", facts),
            ("adapter", run / "adapter", "org/adapter", "--facts", facts, "--base", "org/base"),
        ):
            pushed = angel("push", *arguments)
            assert pushed.exit_code == 0, pushed.output
        shutil.rmtree(run)
        assert linked("org/adapter") == here
        assert linked("org/base") == base


def test_cross_fitted_pairs_are_for_training(output, data, tmp_path):
    result = angel(
        "mine", "--recipe", data / "preference.toml", "--model", output / "model", "--data", data, "--output", tmp_path,
        "--set", 'preference.mining.sources=["cross-fitted"]',
    )  # fmt: skip
    assert result.exit_code == 2
    assert "come from models that are trained for them: run `angel train`" in result.stderr


def command(data, output, *arguments):
    return [
        sys.executable, "-m", "angel_hf", "train", "--recipe", str(data / "preference.toml"), "--data", str(data),
        "--output", str(output), *arguments,
    ]  # fmt: skip


def finished_weights(path):
    return {
        stage: load_file(path / stage / "finished" / "model.safetensors")
        for stage in ("pretraining", "fine-tuning", "preference")
    }


def references(path):
    """The reference's log-probability of the chosen name of each pair in a dataset."""
    columns = ("input_ids", "chosen_ids", "rejected_ids")
    return {str([row[column] for column in columns]): row["reference_chosen"] for row in load_from_disk(str(path))}


@pytest.mark.slow
def test_two_processes_train_as_one(data, tmp_path):
    """The same pairs an update, the loss of all of them: weights differ by rounding only."""
    for processes in (1, 2):
        arguments = command(data, tmp_path / str(processes), "--processes", str(processes))
        arguments += ["--set", 'data.dev=["train.txt"]']
        result = subprocess.run(arguments, capture_output=True, text=True, timeout=280, check=False)
        assert result.returncode == 0, result.stderr
    one, two = (finished_weights(tmp_path / str(processes)) for processes in (1, 2))
    for stage in ("pretraining", "fine-tuning"):
        for name, expected in one[stage].items():
            torch.testing.assert_close(two[stage][name], expected, atol=2e-3, rtol=0, msg=f"{stage} {name}")
    # Mining is shared out: each process writes a part, and all parts are there.
    mined = [
        pq.read_table(tmp_path / str(processes) / "preference" / "round-1" / "mined" / "train.parquet")
        for processes in (1, 2)
    ]
    assert sorted(mined[0].column("text").to_pylist()) == sorted(mined[1].column("text").to_pylist())
    # So are the reference's log-probabilities, each of which comes to its own pair.
    first, second = (references(tmp_path / str(processes) / "preference" / "round-1" / "pairs") for processes in (1, 2))
    shared = sorted(first.keys() & second.keys())
    assert len({first[pair] for pair in shared}) > 2
    assert [second[pair] for pair in shared] == pytest.approx([first[pair] for pair in shared], abs=1e-4)
    # So is measuring: what the two found together is what one finds.
    together = json.loads((tmp_path / "2" / "results.json").read_text(encoding="utf-8"))["dev"]
    model = AngelForEntityLinking.from_pretrained(tmp_path / "2" / "model").eval()
    mentions = Materials(read_recipe(arguments[arguments.index("--recipe") + 1]), data, tmp_path / "2").train
    assert together == dataclasses.asdict(accuracy(model, mentions))


@pytest.mark.slow
def test_two_processes_learn_from_pairs_as_one_does(data, output, tmp_path):
    """From one positive model: the pairs are in the same order, which decides which of them meet in a batch."""
    one, two = tmp_path / "1", tmp_path / "2"
    for processes, path in (("1", one), ("2", two)):
        arguments = command(data, path, "--processes", processes, "--reuse", output)
        result = subprocess.run(arguments, capture_output=True, text=True, timeout=280, check=False)
        assert result.returncode == 0, result.stderr
    first, second = (pq.read_table(path / "preference/round-1/mined/train.parquet") for path in (one, two))
    answers = ["document_id", "text", "start", "chosen", "rejected", "chosen_rank", "rejected_rank", "source"]
    assert first.select(answers).equals(second.select(answers)) and first.num_rows > 8
    before = finished_weights(one)["fine-tuning"]
    expected, actual = (finished_weights(path)["preference"] for path in (one, two))
    assert max((expected[name] - value).abs().max().item() for name, value in before.items()) > 2e-3
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, atol=1e-4, rtol=0, msg=name)


@pytest.mark.slow
def test_a_killed_launcher_takes_its_processes_along(data, tmp_path):
    """They would train on in the directory otherwise; the same command resumes their work."""
    arguments = command(data, tmp_path / "run", "--processes", "2", "--set", "pretraining.steps=2000")
    pretraining = tmp_path / "run" / "pretraining"
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(pretraining.glob("checkpoints/*/whole")):
        assert process.poll() is None and time.monotonic() < deadline, "no checkpoint"
        time.sleep(0.002)
    processes = psutil.Process(process.pid).children()
    assert len(processes) == 2
    process.kill()
    process.wait()
    assert psutil.wait_procs(processes, timeout=30)[1] == [] and not (pretraining / "finished").exists()
    marks = pretraining.glob("checkpoints/*/whole")
    last = max(int(mark.parent.name.removeprefix("checkpoint-")) for mark in marks)
    again = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    logged = (re.search(r"pretraining: step (\d+) of 2000, loss", line) for line in again.stderr)
    first = next(filter(None, logged), None)
    again.kill()
    again.wait()
    assert first is not None and int(first[1]) == last + 2


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_weights(data, output, tmp_path):
    """SIGKILL in the middle of every stage in turn, as soon as it has a whole checkpoint."""
    # Much is left of each stage when the kill comes.
    longer = [text for stage in ("pretraining", "fine_tuning", "preference") for text in ("--set", f"{stage}.steps=30")]
    whole = tmp_path / "whole"
    subprocess.run(command(data, whole, *longer), capture_output=True, timeout=280, check=True)
    killed = tmp_path / "killed"
    for stage in ("pretraining", "fine-tuning", "preference/round-1"):
        process = subprocess.Popen(command(data, killed, *longer), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not list((killed / stage).glob("checkpoints/checkpoint-2/whole")):
            assert process.poll() is None and time.monotonic() < deadline, f"{stage} wrote no checkpoint"
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not (killed / stage / "finished").exists()
    subprocess.run(command(data, killed, *longer), capture_output=True, timeout=280, check=True)
    expected, actual = finished_weights(whole), finished_weights(killed)
    for stage, weights in expected.items():
        assert all(torch.equal(value, actual[stage][name]) for name, value in weights.items()), stage
    assert json.loads((killed / "recipe.json").read_text(encoding="utf-8"))["name"] == "small"
