"""The documented commands and code about the Hub run, against the loopback Hub."""

import json
import re
import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from huggingface_hub import HfApi
from peft import LoraConfig, get_peft_model
from typer.testing import CliRunner

from angel_hf import AngelForEntityLinking
from angel_hf.cli import app
from tests.hub_clients import NAMES, ROOT

HEADING = "## On the Hub"


def sections():
    """The section of every document that has it, up to the next of its level."""
    found = {}
    for path in (ROOT / "README.md", ROOT / "hub_cards" / "README.md"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if HEADING in text:
            found[str(path.relative_to(ROOT))] = re.split(r"^## ", text.split(HEADING)[1], flags=re.MULTILINE)[0]
    return found


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def world(online, own_modules, repository, pushed_files, tiny_directory, tmp_path, monkeypatch, model):
    """The repositories and files that the section speaks of."""
    monkeypatch.chdir(tmp_path)
    online.add_user("everyone", "hf_everyone")
    online.create("org/angel-ncbi").put(pushed_files)
    HfApi().create_tag("org/angel-ncbi", tag="v1")
    own = {path.name: path.read_bytes() for path in tiny_directory.iterdir()}
    weights = {name: own[name] for name in ("config.json", "generation_config.json", "model.safetensors")}
    online.create("dmis-lab/ANGEL_ncbi").put(weights)
    tokenizer = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
    online.create("facebook/bart-large").put({name: own[name] for name in tokenizer})
    (tmp_path / "target_kb.json").write_text(json.dumps(NAMES))
    model.save_pretrained(tmp_path / "my-model")
    base = AngelForEntityLinking.from_pretrained("org/angel-tiny")
    torch.manual_seed(0)
    tuned = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    tuned.peft_config["default"].base_model_name_or_path = "org/angel-tiny"
    tuned.save_pretrained(tmp_path / "my-adapter")
    HfApi().create_repo("org/angel-lora")
    HfApi().upload_folder(repo_id="org/angel-lora", folder_path=tmp_path / "my-adapter")
    (tmp_path / "my-pairs").mkdir()
    rows = [{"text": "ataxia", "chosen": "Ataxia", "rejected": "Fever", "gold_concepts": ["D001259"]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "my-pairs" / "train.parquet")
    score = {
        "predictor": "angel",
        "protocol": {"name": "strict"},
        "mentions": 1,
        "accuracy_at_1": 1,
        "accuracy_at_5": 1,
    }
    results = {
        "format": "angel-eval-results-1",
        "benchmark": "ncbi",
        "split": "test",
        "command": "x",
        "results": [score],
    }
    (tmp_path / "results.json").write_text(json.dumps(results))
    return tmp_path


def test_some_document_tells_about_the_hub():
    assert sections()


@pytest.mark.parametrize("document", sections())
def test_what_the_document_shows_runs(document, world, online, capsys):
    text = sections()[document]
    (toml,) = blocks(text, "toml")
    (world / "card.toml").write_text(toml)
    python = blocks(text, "python")
    assert len(python) >= 4
    namespace = {}
    for block in python:
        exec(compile(block, document, "exec"), namespace)
    assert "Ataxia" in capsys.readouterr().out
    commands = [line for block in blocks(text, "bash") for line in block.splitlines()]
    assert len(commands) >= 5
    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        assert program == "angel"
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, (command, result.output)
    assert {"org/angel-converted", "org/angel-mine", "org/angel-mine-lora"} <= {name for _, name in online.repositories}
