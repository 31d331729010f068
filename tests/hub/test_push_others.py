"""`angel push` of adapters, data sets, metrics and Spaces."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from huggingface_hub import HfApi
from safetensors.numpy import save_file

from angel_hf import Mention
from tests.hub_clients import ROOT, push

LICENSED = {"C0004134": ["Ataxia", "Dyssynergia"], "C0009375": ["Colonic Neoplasms", "colon cancer"]}
RESULT = {
    "format": "angel-eval-results-1", "benchmark": "ncbi", "split": "test", "command": "angel-eval run",
    "results": [{"predictor": "angel", "protocol": {"name": "strict"}, "mentions": 960, "accuracy_at_1": 80.4167,
                 "accuracy_at_5": 87.8125}],
}  # fmt: skip
MENTION = Mention("ataxia", 0, 6)


@pytest.fixture
def adapter(tmp_path):
    directory = tmp_path / "adapter"
    directory.mkdir()
    config = {"base_model_name_or_path": "org/angel-tiny", "peft_type": "LORA", "revision": None}
    (directory / "adapter_config.json").write_text(json.dumps(config))
    save_file({"lora_A": __import__("numpy").zeros((4, 8), dtype="float32")}, directory / "adapter_model.safetensors")
    (directory / "README.md").write_text("PEFT's own")
    return directory


def test_an_adapter_is_tied_to_the_commit_of_its_base(adapter, facts, repository, online):
    result = push("adapter", adapter, "org/angel-lora", "--facts", facts())
    assert result.exit_code == 0, result.output
    files = online.repository("org/angel-lora").files
    assert json.loads(files["adapter_config.json"])["revision"] == repository.head.oid
    assert set(files) == {"adapter_config.json", "adapter_model.safetensors", "README.md"}
    assert f"at commit `{repository.head.oid}`: 32 parameters" in files["README.md"].decode()


def test_an_adapter_of_a_base_that_nobody_has_is_refused(adapter, facts, tmp_path):
    config = json.loads((adapter / "adapter_config.json").read_text()) | {"base_model_name_or_path": str(tmp_path)}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    result = push("adapter", adapter, "org/angel-lora", "--facts", facts(), "--dry-run")
    assert result.exit_code == 2
    assert "which exists here only; push the base first and name it with --base" in result.output.replace("\n", " ")


def pairs(directory, concept):
    directory.mkdir()
    rows = [{"text": "ataxia", "chosen": "Ataxia", "rejected": "Fever", "gold_concepts": [concept]}] * 3
    for name in ("train", "test"):
        pq.write_table(pa.Table.from_pylist(rows), directory / f"{name}.parquet")
    return directory


def test_a_data_set_loads_from_the_hub_by_its_card(facts, online, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_ENDPOINT", online.endpoint)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)
    result = push("dataset", pairs(tmp_path / "pairs", "D001259"), "org/pairs", "--facts", facts())
    assert result.exit_code == 0, result.output
    rows = load_dataset("org/pairs", split="test", cache_dir=str(tmp_path / "datasets"))
    assert rows.to_list()[0] == {
        "text": "ataxia",
        "chosen": "Ataxia",
        "rejected": "Fever",
        "gold_concepts": ["D001259"],
    }


def test_names_in_a_data_set_are_refused_or_left_out(facts, online, tmp_path):
    directory = pairs(tmp_path / "pairs", "C0004134")
    refused = push("dataset", directory, "org/pairs", "--facts", facts())
    assert refused.exit_code == 2
    assert "holds names of UMLS Metathesaurus" in refused.output
    pushed = push("dataset", directory, "org/pairs", "--facts", facts(), "--names", "withhold")
    assert pushed.exit_code == 0, pushed.output
    files = online.repository("org/pairs", "datasets").files
    table = pq.read_table(pa.BufferReader(files["train.parquet"]))
    assert table.column_names == ["text", "gold_concepts"]
    assert b"Left out: chosen, rejected, since the licence of the UMLS" in files["README.md"]


@pytest.mark.parametrize(
    ("row", "left"),
    [
        ({"gold": [["C0004134"]], "candidates": [{"name": "Ataxia", "score": -0.1}]}, ["gold"]),
        ({"sctid": "73211009", "pmid": "1", "names": ["Ataxia"]}, ["sctid", "pmid"]),
        ({"cui": "C0004134", "document_id": "12345678", "synonyms": ["Ataxia"]}, ["cui", "document_id"]),
    ],
)
def test_names_deep_inside_and_identifiers_beside_others_are_found(facts, online, tmp_path, row, left):
    (tmp_path / "rows").mkdir()
    pq.write_table(pa.Table.from_pylist([row] * 5), tmp_path / "rows" / "train.parquet")
    refused = push("dataset", tmp_path / "rows", "org/rows", "--facts", facts())
    assert refused.exit_code == 2, refused.output
    assert "holds names of" in refused.output
    assert push("dataset", tmp_path / "rows", "org/rows", "--facts", facts(), "--names", "withhold").exit_code == 0
    table = pq.read_table(pa.BufferReader(online.repository("org/rows", "datasets").files["train.parquet"]))
    assert table.column_names == left


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("---\nconfigs: [\n---\n", "README.md: its metadata cannot be read"),
        (
            "---\nconfigs:\n- data_files: ../other/*.parquet\n---\n",
            "names the data files '../other/.*'; expected files",
        ),
        ("---\nconfigs:\n- data_files: /etc/*\n---\n", "names the data files '/etc/.*'; expected files"),
    ],
)
def test_a_card_that_cannot_be_used_is_refused(facts, tmp_path, card, message):
    directory = pairs(tmp_path / "pairs", "D001259")
    (directory / "README.md").write_text(card)
    result = push("dataset", directory, "org/pairs", "--facts", facts(), "--dry-run")
    assert result.exit_code == 2, repr(result.exception)
    assert re.search(message, result.output.replace("\n", " "))


@pytest.mark.parametrize("metric", ["entity_linking", "linking_calibration", "linking_hierarchy"])
def test_the_metrics_of_the_harness_go_out_with_their_own_cards(online, metric):
    folder = ROOT / "eval_harness" / "metrics" / metric
    result = push("metric", folder, f"org/{metric}")
    assert result.exit_code == 0, result.output
    files = online.repository(f"org/{metric}", "spaces").files
    assert files["README.md"] == (folder / "README.md").read_bytes()
    assert {path.name for path in folder.iterdir() if path.is_file()} == set(files)
    assert HfApi().space_info(f"org/{metric}").card_data.sdk == "gradio"


def test_the_demo_goes_out_with_its_own_card(online):
    folder = ROOT / "demo"
    result = push("space", folder, "org/demo", "--dry-run")
    assert result.exit_code == 0, result.output
    for name in ("app.py", "requirements.txt", "style.css", "README.md"):
        assert f"  {name}\n" in result.output


def test_preference_pairs_go_out_with_the_card_that_mining_wrote(online, tmp_path):
    directory = pairs(tmp_path / "pairs", "D001259")
    refused = push("dataset", directory, "org/pairs")
    assert refused.exit_code == 2
    assert "README.md: no such file; expected a card, or --facts" in refused.output
    card = "---\nconfigs:\n- config_name: default\n  data_files: train.parquet\n---\n# Ours\n"
    (directory / "README.md").write_text(card)
    assert push("dataset", directory, "org/pairs").exit_code == 0
    assert online.repository("org/pairs", "datasets").files["README.md"].decode() == card
    (directory / "README.md").write_text("# No metadata\n")
    assert "its metadata have no 'configs'" in push("dataset", directory, "org/pairs").output.replace("\n", " ")


def test_a_space_and_a_metric(facts, online, tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "app.py").write_text("print('hello')\n")
    (tmp_path / "demo" / "requirements.txt").write_text("angel-hf\n")
    assert push("space", tmp_path / "demo", "org/demo", "--facts", facts(), "--model", "org/angel").exit_code == 0
    assert push("metric", tmp_path / "demo", "org/metric", "--facts", facts()).exit_code == 0
    demo, metric = online.repository("org/demo", "spaces"), online.repository("org/metric", "spaces")
    assert set(demo.files) == {"app.py", "requirements.txt", "README.md"}
    assert b"sdk: gradio" in demo.files["README.md"]
    assert b"- org/angel" in demo.files["README.md"]
    assert b"- evaluate" in metric.files["README.md"]
    (tmp_path / "demo" / "app.py").unlink()
    assert "app.py: no such file" in push("space", tmp_path / "demo", "org/demo", "--facts", facts()).output
