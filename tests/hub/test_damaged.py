"""A repository with a file missing, damaged or exchanged: told by name, with what to do."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load, save

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention, NameTrie
from tests.hub_clients import NAMES


def load_model(**options):
    return AngelForEntityLinking.from_pretrained("org/angel-tiny", **options).eval()


def bytes_of(write, path):
    """The contents of a file that `write` makes at a path."""
    write(path)
    return Path(path).read_bytes()


# Missing and damaged


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("knowledge_base.safetensors", r"fetch it again with force_download=True, or give from_pretrained another"),
        ("trie.safetensors", r"load with rebuild_trie=True, which builds it from the knowledge base"),
        ("tokenizer.json", r"fetch it again with force_download=True, or give from_pretrained a tokenizer"),
    ],
)
def test_a_missing_file_is_named_with_the_fix(repository, name, fix):
    repository.put({name: None})
    with pytest.raises(FileNotFoundError, match=rf"org/angel-tiny: has no file {name}, .*; {fix}"):
        load_model()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        pytest.param(lambda data: b"\xff" * 64 + data[64:], marks=pytest.mark.slow),
        pytest.param(lambda _: b"", marks=pytest.mark.slow),
    ],
    ids=["cut short", "another header", "empty"],
)
@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("knowledge_base.safetensors", "fetch it again with force_download=True"),
        ("trie.safetensors", "rebuild_trie=True"),
    ],
)
def test_a_damaged_file_is_named_with_the_fix(repository, name, damage, fix):
    repository.put({name: damage(repository.files[name])})
    with pytest.raises(ValueError, match=rf"{name}: not a readable safetensors file .*{fix}"):
        load_model()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "knowledge_base.safetensors",
            "its contents are not those that were saved, the file is damaged: build it again; fetch it again",
        ),
        (
            "trie.safetensors",
            "its contents are not those that were saved, the file is damaged: build it again; load with rebuild_trie",
        ),
    ],
)
def test_a_single_changed_byte_is_noticed(repository, name, message):
    data = bytearray(repository.files[name])
    data[-1] ^= 1
    repository.put({name: bytes(data)})
    with pytest.raises(ValueError, match=rf"{name}: {message}"):
        load_model()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", None, "org/angel-tiny: has no file config.json, which belongs to it"),
        ("config.json", b"{", "config.json: not JSON .*fetch it again"),
        ("config.json", b'{"model_type": "angel", "d_model": "x"}', "org/angel-tiny: config.json cannot be used"),
        ("processor_config.json", b"{", "processor_config.json' is not a valid JSON file"),
        ("tokenizer.json", b"{", "org/angel-tiny: tokenizer.json cannot be read, the file is damaged"),
        ("tokenizer.json", b"{}", "org/angel-tiny: tokenizer.json cannot be read, the file is damaged"),
        ("confidence.json", b"[]", "confidence.json: not angel-confidence-1"),
        ("knowledge_base_recipe.json", b"[]", "knowledge_base_recipe.json, .*concept_ids.txt: not readable"),
        ("knowledge_base_recipe.json", b'{"format": "angel-knowledge-base-recipe-1", "concepts": 0}', "not readable"),
        ("model.safetensors.index.json", b"[]", "model.safetensors.index.json: no index of weights"),
        ("model.safetensors.index.json", b'{"weight_map": {"a": "b.safetensors"}}', "has no file b.safetensors"),
    ],
)
def test_a_small_file_that_is_damaged_is_named(repository, name, content, message):
    beside = {"concept_ids.txt": b""} if "recipe" in name else {}
    beside |= {"model.safetensors": None} if "index" in name else {}
    repository.put({name: content} | beside)
    with pytest.raises((OSError, ValueError), match=message):
        load_model()


def test_weights_without_some_of_the_parameters_are_refused(repository):
    """Transformers would make them up at random."""
    weights = load(repository.files["model.safetensors"])
    kept = {name: tensor for name, tensor in weights.items() if "decoder.layers.1." not in name}
    repository.put({"model.safetensors": save(kept, {"format": "pt"})})
    lacking = len(weights) - len(kept)
    with pytest.raises(ValueError, match=rf"its weights lack {lacking} of the parameters .*decoder.layers.1."):
        load_model()


def test_a_model_in_several_files_is_whole_again(online, model, tmp_path):
    model.save_pretrained(tmp_path, max_shard_size="1MB")
    shards = sorted(path.name for path in tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 1
    files = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    repository = online.create("org/angel-tiny")
    repository.put(files)
    mention = Mention("ataxia", 0, 6)
    assert load_model().link(mention) == model.link(mention)
    repository.put({shards[0]: files[shards[0]][:-100]})
    with pytest.raises(ValueError, match=rf"{shards[0]}: not a readable safetensors file"):
        load_model()


def test_a_rebuilt_trie_heals_a_damaged_one(repository, model):
    repository.put({"trie.safetensors": None})
    healed = load_model(rebuild_trie=True)
    assert healed.trie.fingerprint == model.trie.fingerprint
    mention = Mention("ataxia", 0, 6)
    assert healed.link(mention) == model.link(mention)


# Exchanged


def test_a_trie_of_another_knowledge_base_is_refused_and_healed(repository, model, tmp_path):
    other = KnowledgeBase.from_names(NAMES | {"D1": ["Fever"]})
    repository.put({"knowledge_base.safetensors": bytes_of(other.save, tmp_path / "kb.safetensors")})
    message = (
        r"knowledge_base.safetensors: is not the knowledge base of this model \(fingerprint \w{12}, config.json has "
    )
    with pytest.raises(
        ValueError, match=message + r"\w{12}\); to link to it nevertheless, load with rebuild_trie=True"
    ):
        load_model()
    healed = load_model(rebuild_trie=True)
    assert healed.knowledge_base.num_concepts == model.knowledge_base.num_concepts + 1
    assert healed.trie.num_names == healed.knowledge_base.num_entries


def test_files_that_no_configuration_names_must_still_fit_each_other(repository, tmp_path):
    """As in a folder that was put together by hand."""
    repository.change_json("config.json", knowledge_base_fingerprint=None, trie_fingerprint=None)
    other = KnowledgeBase.from_names(NAMES | {"D1": ["Fever"]})
    repository.put({"knowledge_base.safetensors": bytes_of(other.save, tmp_path / "kb.safetensors")})
    with pytest.raises(ValueError, match=r"trie.safetensors: was not built from this knowledge base \(fingerprint"):
        load_model()
    assert load_model(rebuild_trie=True).trie.num_names == other.num_entries


def test_a_trie_of_another_tokenizer_is_refused_and_healed(repository, model):
    tokenizer = json.loads(repository.files["tokenizer.json"])
    tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:-500]
    repository.put({"tokenizer.json": json.dumps(tokenizer).encode()})
    with pytest.raises(ValueError, match=r"trie.safetensors: was not built from this tokenizer \(fingerprint"):
        load_model()
    healed = load_model(rebuild_trie=True)
    assert healed.trie.sequences() == healed.processor.encode_names(list(healed.knowledge_base.entry_names()))


def test_a_trie_that_claims_the_right_origin_but_has_other_names_is_refused(repository, model, tmp_path):
    repository.change_json("config.json", trie_fingerprint=None)
    _, provenance = NameTrie.load(write_file(tmp_path, repository.files["trie.safetensors"]))
    for sequences in ([[5], [6]], [[99_999], *([n] for n in range(4, 3 + model.trie.num_names))]):
        forged = NameTrie.from_sequences(sequences)
        data = bytes_of(lambda path, forged=forged: forged.save(path, provenance), tmp_path / "forged.safetensors")
        repository.put({"trie.safetensors": data})
        with pytest.raises(
            ValueError, match=r"trie.safetensors: has \S+ names with token ids up to .*; expected the 14 of"
        ):
            load_model()


def write_file(directory, data):
    path = directory / "file.safetensors"
    path.write_bytes(data)
    return path
