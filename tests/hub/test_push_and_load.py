"""A model pushed to the Hub comes back whole, at the revision that was asked for."""

import json

import pytest
import torch
from huggingface_hub import HfApi
from transformers import AutoModelForSeq2SeqLM, pipeline

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.model.remote_code import code_files
from angel_hf.text.reading import parse_marked
from tests.hub_clients import MARKED, NAMES, READ_TOKEN

MENTIONS = parse_marked(MARKED)


def answers(model):
    return [
        [(candidate.name, candidate.concept_ids, candidate.score) for candidate in linked.candidates]
        for linked in model.link(MENTIONS)
    ]


def load(**options):
    return AngelForEntityLinking.from_pretrained("org/angel-tiny", **options).eval()


def test_one_commit_holds_the_model_and_all_that_it_needs(online, model):
    model.push_to_hub("org/angel-tiny")
    initial, pushed = reversed(online.repository("org/angel-tiny").head.history())
    assert initial.files == {}
    assert {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
        "processor_config.json", "knowledge_base.safetensors", "trie.safetensors", "README.md",
    } | set(code_files()) <= set(pushed.files)  # fmt: skip
    # A page on the Hub that a person can take in.
    assert len({name.split("/")[0] for name in pushed.files} - {".gitattributes"}) <= 12


def test_what_comes_back_links_the_same_mentions_with_the_same_scores(repository, model):
    loaded = load()
    assert answers(loaded) == answers(model)
    assert loaded.knowledge_base.fingerprint == model.knowledge_base.fingerprint
    assert loaded.processor.fingerprint == model.processor.fingerprint


def test_save_pretrained_does_not_push_a_part(model, tmp_path):
    with pytest.raises(ValueError, match=r"uploads only a part; use model.push_to_hub\(repo_id\)"):
        model.save_pretrained(tmp_path, push_to_hub=True)


@pytest.fixture
def two_versions(repository, model, online):
    """A tag `v1` of the first push; on the main branch another knowledge base and other weights."""
    HfApi().create_tag("org/angel-tiny", tag="v1")
    changed = load()
    changed.set_knowledge_base(KnowledgeBase.from_names({"C1": ["Anaemia"], "C2": ["Fever"]}))
    with torch.no_grad():
        changed.model.shared.weight.mul_(1.5)
    changed.push_to_hub("org/angel-tiny")
    return changed


def test_each_revision_has_its_own_weights_and_names(two_versions, model):
    assert answers(load()) == answers(two_versions)
    assert answers(load(revision="v1")) == answers(model)
    assert answers(load(revision=HfApi().model_info("org/angel-tiny", revision="v1").sha)) == answers(model)


def test_every_file_is_of_the_commit_that_the_revision_stood_for_at_first(two_versions, online, model, tmp_path):
    """The repository moves on between two requests of one load."""
    repository = online.repository("org/angel-tiny")
    old = repository.tags["v1"]
    repository.branches["main"] = old
    new = next(commit for commit in repository.commits.values() if commit.parent is old)
    online.requests.clear()
    answered = online.fault_for

    def move_on(method, path):
        if path.endswith("config.json"):
            repository.branches["main"] = new
        return answered(method, path)

    online.fault_for = move_on
    assert answers(load(cache_dir=tmp_path / "fresh")) == answers(model)
    assert repository.branches["main"] is new
    revisions = {
        request.path.split("/resolve/")[1].split("/")[0] for request in online.requests if "/resolve/" in request.path
    }
    assert revisions == {old.oid}


def test_the_auto_class_and_the_pipeline_take_all_from_one_commit_too(two_versions, online, model, tmp_path):
    repository = online.repository("org/angel-tiny")
    old, new = repository.tags["v1"], repository.branches["main"]
    answered = online.fault_for

    def move_on(method, path):
        if path.endswith("config.json"):
            repository.branches["main"] = new
        return answered(method, path)

    online.fault_for = move_on
    for folder, load_it in {
        "auto": lambda cache: AutoModelForSeq2SeqLM.from_pretrained("org/angel-tiny", cache_dir=cache),
        "pipeline": lambda cache: (
            pipeline("entity-linking", model="org/angel-tiny", device="cpu", model_kwargs={"cache_dir": cache}).model
        ),
    }.items():
        repository.branches["main"] = old
        assert answers(load_it(tmp_path / folder).eval()) == answers(model), folder
        assert repository.branches["main"] is new
    assert answers(pipeline("entity-linking", model="org/angel-tiny", revision="v1", device="cpu").model) == answers(
        model
    )


@pytest.mark.parametrize(
    ("revision", "message"), [("v9", r"revision 'v9' of org/angel-tiny is not there; expected a branch")]
)
def test_a_revision_that_is_not_there(repository, revision, message):
    with pytest.raises(OSError, match=message):
        load(revision=revision)


@pytest.mark.parametrize("name", ["org/nothing", "no/such/name", "nothing"])
def test_a_repository_that_is_not_there(online, name):
    with pytest.raises(OSError, match=rf"{name}: neither a directory here nor"):
        AngelForEntityLinking.from_pretrained(name)


def test_offline_everything_comes_from_the_cache_without_a_request(repository, online, offline, model):
    load()
    online.requests.clear()
    offline()
    assert answers(load()) == answers(model)
    assert online.requests == []


def test_offline_without_a_cache_says_so(repository, offline, tmp_path):
    offline()
    with pytest.raises(OSError, match="org/angel-tiny: not in the cache, and the Hub cannot be asked"):
        load(cache_dir=tmp_path / "empty")


def test_loading_a_known_commit_again_fetches_nothing(repository, online):
    load()
    online.requests.clear()
    load(revision=repository.head.oid)
    # transformers lists the files anew to look for chat templates, whatever is cached.
    assert [request for request in online.requests if "/tree/" not in request.path] == []


def test_a_private_repository_is_for_those_who_may_see_it(online, model, monkeypatch):
    model.push_to_hub("org/angel-tiny", private=True)
    assert answers(load(token=READ_TOKEN)) == answers(model)
    monkeypatch.delenv("HF_TOKEN")
    refused = r"neither a directory here nor a repository on the Hub that this token may see; if it is private, log in"
    with pytest.raises(OSError, match=refused):
        load()
    with pytest.raises(OSError, match=refused):
        load(token="hf_loopbackstranger")
    with pytest.raises(OSError, match="the Hub does not know this token; log in anew") as caught:
        load(token="hf_nobodys")
    assert "hf_nobodys" not in str(caught.value)


def test_a_gated_repository_says_that_access_must_be_asked_for(online, model):
    model.push_to_hub("org/angel-tiny")
    online.repository("org/angel-tiny").gated = True
    with pytest.raises(OSError, match="gated"):
        load(token="hf_loopbackstranger")


def test_who_may_not_write_cannot_push(online, model):
    with pytest.raises(OSError, match="403"):
        model.push_to_hub("org/angel-tiny", token=READ_TOKEN)
    assert online.repositories == {}


def test_tokens_do_not_travel_to_the_storage_of_large_files(repository, online):
    load()
    stored = [request for request in online.requests if request.path.startswith("/storage/")]
    assert stored
    assert not any(request.authorized for request in stored)


def test_a_second_push_keeps_the_card(repository, online, model):
    card = b"---\nlicense: apache-2.0\n---\n# Ours\n"
    repository.put({"README.md": card})
    model.push_to_hub("org/angel-tiny")
    assert b"# Ours" in repository.files["README.md"]


def test_the_configuration_names_what_belongs_to_the_model(repository, model):
    config = json.loads(repository.files["config.json"])
    assert config["knowledge_base_fingerprint"] == model.knowledge_base.fingerprint
    assert config["trie_fingerprint"] == model.trie.fingerprint
    assert config["tokenizer_fingerprint"] == model.processor.fingerprint
    assert model.knowledge_base.num_concepts == len(NAMES)


def test_weights_that_go_with_another_model_take_its_files_at_the_revision_they_name(
    two_versions, online, model, tmp_path
):
    """As `angel-mini-positive` does, with a repository that has moved on since."""
    old = online.repository("org/angel-tiny").tags["v1"].oid
    model.save_pretrained(tmp_path / "whole")
    (tmp_path / "part").mkdir()
    (tmp_path / "whole" / "model.safetensors").rename(tmp_path / "part" / "model.safetensors")
    values = {"model_type": "angel", "files_of": f"org/angel-tiny@{old}"}
    (tmp_path / "part" / "config.json").write_text(json.dumps(values), encoding="utf-8")
    online.requests.clear()
    loaded = AngelForEntityLinking.from_pretrained(tmp_path / "part", cache_dir=tmp_path / "fresh")
    assert answers(loaded) == answers(model)
    asked = [request.path for request in online.requests if "/resolve/" in request.path]
    assert asked and all(f"/resolve/{old}/" in path for path in asked)
