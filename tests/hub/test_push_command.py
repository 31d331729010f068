"""`angel push`: what it shows, what it puts into one commit, and what it refuses."""

import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from huggingface_hub import HfApi
from safetensors.numpy import save_file
from typer.testing import CliRunner

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention
from angel_hf.cli import app
from tests.hub_clients import NAMES, READ_TOKEN, ROOT, TOKEN

FACTS = """
title = "angel-tiny"
license = "apache-2.0"
[knowledge_base]
name = "{name}"
version = "2023AB"
license = "its licence"
url = "https://example.org"
[training]
recipe = "tiny"
data = "a few names"
"""
RESULT = {
    "format": "angel-eval-results-1", "benchmark": "ncbi", "split": "test", "command": "angel-eval run",
    "results": [{"predictor": "angel", "protocol": {"name": "strict"}, "mentions": 960, "accuracy_at_1": 80.4167,
                 "accuracy_at_5": 87.8125}],
}  # fmt: skip
LICENSED = {"C0004134": ["Ataxia", "Dyssynergia"], "C0009375": ["Colonic Neoplasms", "colon cancer"]}
MENTION = Mention("ataxia", 0, 6)


def push(*arguments):
    return CliRunner().invoke(app, ["push", *map(str, arguments)])


@pytest.fixture
def facts(tmp_path):
    """A function that writes the facts of a card, for a knowledge base of a given name."""

    def write(name="MEDIC"):
        path = tmp_path / "card.toml"
        path.write_text(FACTS.format(name=name), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def saved(model, tmp_path_factory):
    """The small model in a directory, with what training leaves beside it."""
    directory = tmp_path_factory.mktemp("saved")
    model.save_pretrained(directory)
    (directory / "optimizer.pt").write_bytes(b"state")
    (directory / "training_args.bin").write_bytes(b"pickle")
    (directory / ".env").write_text("HF_TOKEN=secret")
    (directory / "checkpoint-20").mkdir()
    (directory / "checkpoint-20" / "model.safetensors").write_bytes(b"older")
    return directory


@pytest.fixture(scope="session")
def licensed(tiny_directory, tmp_path_factory):
    """A model that links to names of UMLS."""
    directory = tmp_path_factory.mktemp("licensed")
    names = KnowledgeBase.from_names(LICENSED)
    AngelForEntityLinking.from_pretrained(tiny_directory, knowledge_base=names).save_pretrained(directory)
    return directory


# Models


def test_a_dry_run_shows_files_with_sizes_and_the_card_and_asks_the_hub_nothing(saved, facts, online):
    result = push("model", saved, "org/angel", "--facts", facts(), "--dry-run")
    assert result.exit_code == 0, result.output
    sizes = {path: int(size.replace(",", "")) for size, path in re.findall(r"^ *([\d,]+)  (\S+)$", result.output, re.M)}
    assert {"config.json", "model.safetensors", "trie.safetensors", "README.md", "custom_generate/generate.py"} <= set(
        sizes
    )
    assert sizes["model.safetensors"] == (saved / "model.safetensors").stat().st_size
    assert f"model org/angel: {len(sizes)} files, {sum(sizes.values()):,} bytes" in result.output
    for left in ("optimizer.pt", "training_args.bin", ".env", "checkpoint-20/model.safetensors"):
        assert f"left out  {left}: " in result.output
        assert left not in sizes
    assert "# angel-tiny" in result.output
    assert online.requests == []
    assert online.repositories == {}


def test_one_commit_holds_model_card_and_results_and_it_loads(saved, facts, online, model, tmp_path):
    results = tmp_path / "results.json"
    results.write_text(json.dumps(RESULT))
    pushed = push("model", saved, "org/angel", "--facts", facts(), "--results", results, "--private")
    assert pushed.exit_code == 0, pushed.output
    repository = online.repository("org/angel")
    assert repository.private
    assert len(repository.head.history()) == 2
    assert "| **this model** | 960 | 80.4 | 87.8 |" in repository.files["README.md"].decode()
    assert HfApi().model_info("org/angel").card_data.eval_results[0].metric_value == 80.4167
    assert AngelForEntityLinking.from_pretrained("org/angel").eval().link(MENTION) == model.link(MENTION)
    assert f"/org/angel/commit/{repository.head.oid}\n" in pushed.stdout, repr(pushed.stdout[-500:])


def test_a_branch_is_made_and_the_main_branch_stays(saved, facts, online):
    online.create("org/angel")
    before = online.repository("org/angel").head
    assert push("model", saved, "org/angel", "--facts", facts(), "--revision", "next").exit_code == 0
    repository = online.repository("org/angel")
    assert repository.head is before
    assert "config.json" in repository.branches["next"].files


def test_what_was_pushed_meanwhile_is_not_overwritten(saved, facts, online):
    repository = online.create("org/angel")
    answered = online.fault_for

    def commit_first(method, path):
        if path.endswith("/preupload/main") and len(repository.commits) == 1:
            repository.put({"x.txt": b"theirs"})
        return answered(method, path)

    online.fault_for = commit_first
    result = push("model", saved, "org/angel", "--facts", facts())
    assert result.exit_code == 2
    assert "A commit has happened since" in result.output
    assert set(repository.files) == {"x.txt"}


@pytest.mark.parametrize(("step", "status"), [("/commit/", 500), ("/preupload/", 403), ("/api/repos/create", 500)])
def test_a_refusal_is_one_line_without_the_token_and_changes_nothing(saved, facts, online, step, status, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    repository = online.create("org/angel")
    before = repository.head
    online.fail("POST", step, status=status, times=100)
    result = push("model", saved, "org/angel", "--facts", facts())
    assert result.exit_code == 2
    assert "error: " in result.output
    assert "Traceback" not in result.output
    assert TOKEN not in result.output
    assert repository.head is before


@pytest.mark.parametrize("step", ["/api/repos/create", "/preupload/", "/commit/", "/objects/batch"])
def test_a_connection_that_breaks_off_is_one_line_too(saved, facts, online, step, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    online.fail("POST", step, hang_up=True, times=100)
    result = push("model", saved, "org/angel", "--facts", facts())
    assert result.exit_code == 2, repr(result.exception)
    assert "error: the connection to the Hub broke off" in result.output
    assert TOKEN not in result.output
    assert all(repository.files == {} for repository in online.repositories.values())
    online.faults.clear()
    assert push("model", saved, "org/angel", "--facts", facts()).exit_code == 0
    assert "model.safetensors" in online.repository("org/angel").files


def test_an_answer_that_is_lost_after_the_commit_leaves_one_commit(saved, facts, online, monkeypatch):
    """The same push again changes nothing more."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    online.fail("POST", "/commit/", drop_after=0)
    lost = push("model", saved, "org/angel", "--facts", facts())
    assert (lost.exit_code, "broke off" in lost.output) == (2, True)
    repository = online.repository("org/angel")
    files = dict(repository.files)
    assert len(repository.head.history()) == 2
    assert push("model", saved, "org/angel", "--facts", facts()).exit_code == 0
    assert repository.files == files


@pytest.mark.parametrize(
    ("token", "repository", "message"),
    [
        (None, "org/angel", "log in with `hf auth login`, or set HF_TOKEN"),
        ("hf_nobody", "org/angel", "log in with `hf auth login`, or set HF_TOKEN"),
        (READ_TOKEN, "org/angel", "use a token that may write there"),
        (TOKEN, "google/angel", "use a token that may write there"),
        (TOKEN, "a b/c", "Repo id"),
    ],
)
def test_who_may_not_push_is_told(saved, facts, online, monkeypatch, token, repository, message):
    monkeypatch.setenv("HF_TOKEN", token) if token else monkeypatch.delenv("HF_TOKEN")
    result = push("model", saved, repository, "--facts", facts())
    assert result.exit_code == 2, repr(result.exception)
    assert re.search(f"error: .*{message}", result.output), result.output[-300:]
    assert online.repositories == {}
    assert not token or token not in result.output


def test_offline_nothing_is_pushed(saved, facts, online, offline):
    offline()
    result = push("model", saved, "org/angel", "--facts", facts())
    assert result.exit_code == 2, repr(result.exception)
    assert online.requests == []


def test_a_file_that_holds_the_token_is_refused(saved, facts, online, tmp_path):
    directory = shutil.copytree(saved, tmp_path / "model")
    (directory / "training.py").write_text(f"login({TOKEN!r})\n")
    result = push("model", directory, "org/angel", "--facts", facts(), "--dry-run")
    assert result.exit_code == 2
    assert "error: training.py: holds your token for the Hub; take it out" in result.output
    assert TOKEN not in result.output


def test_what_belonged_to_an_older_model_is_taken_away(saved, facts, online):
    """Its confidence would be taken for the new one's; what its users added stays."""
    older = ("confidence.json", "pytorch_model.bin", "model-00001-of-00002.safetensors", ".eval_results/ncbi-test.yaml")
    repository = online.create("org/angel")
    repository.put(dict.fromkeys((*older, "figure.png"), b"older"))
    assert push("model", saved, "org/angel", "--facts", facts()).exit_code == 0
    assert set(older).isdisjoint(repository.files)
    assert "figure.png" in repository.files


def test_the_token_is_nowhere_on_disk(saved, facts, online, tmp_path):
    push("model", saved, "org/angel", "--facts", facts())
    AngelForEntityLinking.from_pretrained("org/angel")
    files = [path for folder in (tmp_path, saved) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert [name for name, data in online.repository("org/angel").files.items() if TOKEN.encode() in data] == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda directory: None, "config.json: no such file; expected a directory that AngelForEntityLinking"),
        (
            lambda directory: (directory / "config.json").write_text('{"model_type": "bart"}'),
            "model type 'bart'; expected",
        ),
        (lambda directory: (directory / "config.json").write_text('{"model_type": "angel"}'), "expected the model's"),
        (lambda directory: (directory / "config.json").write_text("{"), "config.json: is no JSON"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path, facts, make, message):
    (tmp_path / "model").mkdir()
    make(tmp_path / "model")
    result = push("model", tmp_path / "model", "org/angel", "--facts", facts(), "--dry-run")
    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")


def test_damaged_weights_are_named(saved, facts, tmp_path):
    directory = shutil.copytree(saved, tmp_path / "model")
    (directory / "model.safetensors").write_bytes(b"cut")
    result = push("model", directory, "org/angel", "--facts", facts(), "--dry-run")
    assert result.exit_code == 2, repr(result.exception)
    assert "model.safetensors: not a readable safetensors file" in result.output.replace("\n", " ")


# Names that may not be passed on


def test_names_of_a_licensed_vocabulary_are_refused_with_the_reason_and_the_way_out(licensed, facts, online):
    result = push("model", licensed, "org/angel-umls", "--facts", facts("our vocabulary"))
    assert result.exit_code == 2
    assert (
        "holds names of UMLS Metathesaurus, and the licence of the UMLS Metathesaurus forbids to distribute its content"
        in result.output
    )
    assert "with --names withhold push concept ids and a recipe; with --names publish" in result.output
    assert online.requests == []


def test_told_explicitly_they_are_published(licensed, facts, online):
    result = push("model", licensed, "org/angel-umls", "--facts", facts("UMLS"), "--names", "publish")
    assert result.exit_code == 0, result.output
    assert "knowledge_base.safetensors" in online.repository("org/angel-umls").files


@pytest.fixture
def withheld(licensed, facts, online):
    """The model without its names, pushed over a version that had them."""
    repository = online.create("org/angel-umls")
    repository.put({"knowledge_base.safetensors": b"names", "trie.safetensors": b"names"})
    result = push("model", licensed, "org/angel-umls", "--facts", facts("UMLS"), "--names", "withhold")
    assert result.exit_code == 0, result.output
    assert "deleted knowledge_base.safetensors; it stays in the repository's history" in result.output
    return repository


def test_withheld_names_are_nowhere_in_the_repository(withheld):
    assert {"knowledge_base.safetensors", "trie.safetensors"}.isdisjoint(withheld.files)
    assert withheld.files["concept_ids.txt"].decode().split() == list(LICENSED)
    for path, data in withheld.files.items():
        if path not in ("tokenizer.json", "model.safetensors") and not path.endswith(".py"):
            for name in ("Dyssynergia", "dyssynergia", "Colonic", "colonic"):
                assert name.encode() not in data, path


def test_names_that_lie_beside_the_model_stay_behind_too(licensed, facts, tmp_path):
    directory = shutil.copytree(licensed, tmp_path / "model")
    beside = ("target_kb.json", "names.txt", "older_names.safetensors", "concepts.parquet")
    for name in beside:
        (directory / name).write_bytes(b"Dyssynergia")
    result = push("model", directory, "org/angel-umls", "--facts", facts("UMLS"), "--names", "withhold", "--dry-run")
    assert result.exit_code == 0, result.output
    for name in (*beside, "knowledge_base.safetensors", "trie.safetensors"):
        assert f"left out  {name}: " in result.output


def test_loading_explains_how_to_get_the_names(withheld):
    with pytest.raises(
        ValueError, match="org/angel-umls came without the names of its 2 concepts: the licence of the UMLS"
    ):
        AngelForEntityLinking.from_pretrained("org/angel-umls")
    with pytest.raises(
        ValueError, match=r"Get your own copy of UMLS 2023AB from https://www.nlm.nih.gov/research/umls/"
    ):
        AngelForEntityLinking.from_pretrained("org/angel-umls")


def test_with_the_user_s_own_copy_the_model_links_as_it_was_published(withheld, licensed, caplog):
    """The copy has more concepts, and its names in another order."""
    own = {"C0000001": ["Fever"], "C0009375": LICENSED["C0009375"], "C0004134": LICENSED["C0004134"]}
    loaded = AngelForEntityLinking.from_pretrained(
        "org/angel-umls", knowledge_base=KnowledgeBase.from_names(own)
    ).eval()
    published = AngelForEntityLinking.from_pretrained(licensed).eval()
    assert loaded.knowledge_base.fingerprint == published.knowledge_base.fingerprint
    assert loaded.link(MENTION) == published.link(MENTION)
    assert caplog.records == []


def test_another_release_is_noticed(withheld, caplog):
    other = LICENSED | {"C0004134": ["Ataxia", "A newer synonym"]}
    AngelForEntityLinking.from_pretrained("org/angel-umls", knowledge_base=KnowledgeBase.from_names(other))
    assert (
        "is not UMLS 2023AB as the model was published with: 0 of 2 concepts are missing, but names differ"
        in caplog.text
    )
    caplog.clear()
    fewer = {"C0004134": LICENSED["C0004134"]}
    AngelForEntityLinking.from_pretrained("org/angel-umls", knowledge_base=KnowledgeBase.from_names(fewer))
    assert "1 of 2 concepts are missing" in caplog.text


def test_another_knowledge_base_is_taken_as_it_is(withheld):
    loaded = AngelForEntityLinking.from_pretrained("org/angel-umls", knowledge_base=KnowledgeBase.from_names(NAMES))
    assert loaded.knowledge_base.num_concepts == len(NAMES)


# Adapters, data sets, Spaces


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
