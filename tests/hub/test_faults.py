"""What goes wrong on the way ends in a clear error or a correct retry; repository and cache stay whole."""

import pytest
from huggingface_hub import constants
from huggingface_hub.errors import HTTPError

from angel_hf import AngelForEntityLinking, Mention
from tests.hub_clients import TOKEN

MENTION = Mention("ataxia", 0, 6)


def load(**options):
    return AngelForEntityLinking.from_pretrained("org/angel-tiny", **options).eval()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Clients pause before they try again; here at once."""
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture
def other(model, tiny_directory):
    """Another model, to be pushed over the first."""
    changed = AngelForEntityLinking.from_pretrained(tiny_directory, knowledge_base=model.knowledge_base)
    changed.model.shared.weight.data.mul_(1.25)
    return changed


# Pushing


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("/storage/", {"status": 500}),
        ("/commit/", {"status": 403}),
        ("/commit/", {"hang_up": True}),
        pytest.param("/storage/", {"hang_up": True}, marks=pytest.mark.slow),
        pytest.param("/commit/", {"status": 500}, marks=pytest.mark.slow),
        pytest.param("/storage/", {"status": 403}, marks=pytest.mark.slow),
        pytest.param("/api/validate-yaml", {"status": 500}, marks=pytest.mark.slow),
        pytest.param("/preupload/", {"status": 403}, marks=pytest.mark.slow),
        pytest.param("/preupload/", {"status": 500}, marks=pytest.mark.slow),
        pytest.param("/info/lfs/objects/batch", {"status": 500}, marks=pytest.mark.slow),
    ],
)
def test_a_push_that_breaks_off_leaves_the_repository_at_the_old_commit(repository, online, other, step, fault):
    before = repository.head
    online.fail("PUT" if step == "/storage/" else "POST", step, times=100, **fault)
    with pytest.raises((OSError, RuntimeError, ValueError, HTTPError)):
        other.push_to_hub("org/angel-tiny")
    assert repository.head is before
    online.faults.clear()
    assert load().link(MENTION).best is not None
    other.push_to_hub("org/angel-tiny")
    assert load().link(MENTION) == other.eval().link(MENTION)


def test_a_push_tries_again_after_a_passing_fault(repository, online, other):
    before = repository.head
    online.fail("PUT", "/storage/", status=500, times=1)
    online.fail("POST", "/preupload/", status=503, times=1)
    other.push_to_hub("org/angel-tiny")
    assert repository.head.parent is before
    assert load().link(MENTION) == other.eval().link(MENTION)


def test_a_push_over_a_commit_that_was_made_meanwhile_is_refused_where_that_is_asked(repository, online):
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    old = repository.head.oid
    repository.put({"README.md": b"newer"})
    with pytest.raises(HfHubHTTPError, match="A commit has happened since"):
        HfApi().upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="org/angel-tiny", parent_commit=old)


# Loading

FILES = [
    "model.safetensors",
    "knowledge_base.safetensors",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("config.json", "tokenizer.json", "trie.safetensors")),
]


@pytest.mark.parametrize("name", FILES)
def test_a_connection_that_drops_in_the_middle_of_a_file_is_resumed(repository, online, model, name):
    where = rf"/storage/{repository.head.files[name].sha256}" if name.endswith(".safetensors") else rf"/{name}$"
    fault = online.fail("GET", where, drop_after=len(repository.files[name]) // 2)
    assert load().link(MENTION) == model.link(MENTION)
    assert fault.times == 0


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_had_is_an_error_and_the_next_load_is_right(repository, online, model, name):
    online.fail("GET", rf"/{name}$|/storage/{repository.head.files[name].sha256}", status=500, times=1000)
    online.fail("HEAD", rf"/{name}$", status=500, times=1000)
    with pytest.raises((OSError, ValueError)) as caught:
        load()
    assert TOKEN not in str(caught.value)
    online.faults.clear()
    assert load().link(MENTION) == model.link(MENTION)


@pytest.mark.parametrize("name", ["knowledge_base.safetensors", "trie.safetensors", "processor_config.json"])
def test_a_file_that_may_be_there_is_not_taken_for_missing_when_the_hub_fails(repository, online, name):
    """A model without its knowledge base would load in silence."""
    online.fail("HEAD", rf"/{name}$", status=500, times=1000)
    with pytest.raises(
        OSError, match=rf"org/angel-tiny: {name} could not be fetched from the Hub; check the connection"
    ):
        load()


def test_a_hub_that_is_down_is_no_obstacle_to_what_is_in_the_cache(repository, online, model):
    load()
    online.fail("GET", ".*", status=500, times=10_000)
    online.fail("HEAD", ".*", status=500, times=10_000)
    assert load().link(MENTION) == model.link(MENTION)


def test_a_hub_that_is_down_is_told_about_where_nothing_is_in_the_cache(repository, online):
    online.fail("GET", "/api/", status=500, times=10_000)
    with pytest.raises(OSError, match="org/angel-tiny: not in the cache, and the Hub cannot be asked .*500"):
        load()


def test_a_slow_answer_is_waited_for(repository, online, model):
    online.fail("HEAD", "/config.json$", delay=0.3)
    assert load().link(MENTION) == model.link(MENTION)


def test_an_answer_that_takes_longer_than_the_timeout_is_asked_for_again(repository, online, model, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
    fault = online.fail("GET", f"/storage/{repository.head.files['model.safetensors'].sha256}", delay=1.0)
    assert load().link(MENTION) == model.link(MENTION)
    assert fault.times == 0


def test_answers_that_always_take_longer_than_the_timeout_are_an_error(repository, online, model, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
    oid = repository.head.files["knowledge_base.safetensors"].sha256
    online.fail("GET", f"/storage/{oid}", delay=0.6, times=1000)
    with pytest.raises(OSError, match=r"knowledge_base.safetensors could not be fetched from the Hub \(timed out\)"):
        load()
    online.faults.clear()
    assert load().link(MENTION) == model.link(MENTION)


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/api/models/", "not in the cache, and the Hub cannot be asked .*disconnected"),
        ("HEAD", "/knowledge_base.safetensors$", "knowledge_base.safetensors could not be fetched .*disconnected"),
        pytest.param("GET", "/config.json$", "config.json could not be fetched .*disconnected", marks=pytest.mark.slow),
    ],
)
def test_a_hub_that_hangs_up_is_told_about_and_the_next_load_is_right(repository, online, model, method, path, message):
    online.fail(method, path, hang_up=True, times=1000)
    with pytest.raises(OSError, match=f"org/angel-tiny: {message}"):
        load()
    online.faults.clear()
    assert load().link(MENTION) == model.link(MENTION)


def test_a_load_that_broke_off_leaves_no_half_file_in_the_cache(repository, online, model, tmp_path):
    oid = repository.head.files["model.safetensors"].sha256
    online.fail("GET", f"/storage/{oid}", drop_after=1000, times=1000)
    with pytest.raises((OSError, ValueError)):
        load(cache_dir=tmp_path / "own")
    snapshots = [path for path in (tmp_path / "own").rglob("model.safetensors") if path.exists()]
    assert snapshots == []
    online.faults.clear()
    assert load(cache_dir=tmp_path / "own").link(MENTION) == model.link(MENTION)
