"""`angel push`: what it shows, what it puts into one commit, and what it refuses."""

import json
import re
import shutil

import pytest
from huggingface_hub import HfApi

from angel_hf import AngelForEntityLinking, Mention
from tests.hub_clients import READ_TOKEN, TOKEN, push

RESULT = {
    "format": "angel-eval-results-1", "benchmark": "ncbi", "split": "test", "command": "angel-eval run",
    "results": [{"predictor": "angel", "protocol": {"name": "strict"}, "mentions": 960, "accuracy_at_1": 80.4167,
                 "accuracy_at_5": 87.8125}],
}  # fmt: skip
MENTION = Mention("ataxia", 0, 6)


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
        (lambda directory: (directory / "config.json").write_text("{"), "config.json: not JSON"),
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
