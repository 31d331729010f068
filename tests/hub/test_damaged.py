"""A repository with a file missing, damaged, exchanged or hostile: told by name, with what to do."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention, NameTrie
from tests.hub_clients import NAMES


def load(**options):
    return AngelForEntityLinking.from_pretrained("org/angel-tiny", **options).eval()


def change_config(repository, **values):
    config = json.loads(repository.files["config.json"])
    repository.put({"config.json": json.dumps(config | values).encode()})


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
        load()


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
        load()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "knowledge_base.safetensors",
            "its contents are not those that were saved, the file is damaged; fetch it again",
        ),
        (
            "trie.safetensors",
            "is not the trie that was saved with the model, or is damaged; load with rebuild_trie=True",
        ),
    ],
)
def test_a_single_changed_byte_is_noticed(repository, name, message):
    data = bytearray(repository.files[name])
    data[-1] ^= 1
    repository.put({name: bytes(data)})
    with pytest.raises(ValueError, match=rf"{name}: {message}"):
        load()


def test_a_rebuilt_trie_heals_a_damaged_one(repository, model):
    repository.put({"trie.safetensors": None})
    healed = load(rebuild_trie=True)
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
        load()
    healed = load(rebuild_trie=True)
    assert healed.knowledge_base.num_concepts == model.knowledge_base.num_concepts + 1
    assert healed.trie.num_names == healed.knowledge_base.num_entries


def test_files_that_no_configuration_names_must_still_fit_each_other(repository, tmp_path):
    """As in a folder that was put together by hand."""
    change_config(repository, knowledge_base_fingerprint=None, trie_fingerprint=None)
    other = KnowledgeBase.from_names(NAMES | {"D1": ["Fever"]})
    repository.put({"knowledge_base.safetensors": bytes_of(other.save, tmp_path / "kb.safetensors")})
    with pytest.raises(ValueError, match=r"trie.safetensors: was not built from this knowledge base \(fingerprint"):
        load()
    assert load(rebuild_trie=True).trie.num_names == other.num_entries


def test_a_trie_of_another_tokenizer_is_refused_and_healed(repository, model):
    tokenizer = json.loads(repository.files["tokenizer.json"])
    tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:-500]
    repository.put({"tokenizer.json": json.dumps(tokenizer).encode()})
    with pytest.raises(ValueError, match=r"trie.safetensors: was not built from this tokenizer \(fingerprint"):
        load()
    healed = load(rebuild_trie=True)
    assert healed.trie.sequences() == healed.processor.encode_names(list(healed.knowledge_base.entry_names()))


def test_a_trie_that_claims_the_right_origin_but_has_other_names_is_refused(repository, model, tmp_path):
    change_config(repository, trie_fingerprint=None)
    _, provenance = NameTrie.load(write_file(tmp_path, repository.files["trie.safetensors"]))
    for sequences in ([[5], [6]], [[99_999], *([n] for n in range(4, 3 + model.trie.num_names))]):
        forged = NameTrie.from_sequences(sequences)
        data = bytes_of(lambda path, forged=forged: forged.save(path, provenance), tmp_path / "forged.safetensors")
        repository.put({"trie.safetensors": data})
        with pytest.raises(
            ValueError, match=r"trie.safetensors: has \S+ names with token ids up to .*; expected the 14 of"
        ):
            load()


def write_file(directory, data):
    path = directory / "file.safetensors"
    path.write_bytes(data)
    return path


# Hostile


class Bomb:
    """What a pickle runs as it is read: here it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def bomb(tmp_path):
    """A pickle that shows when it goes off, and the file that it would make."""
    mark = tmp_path / "it-went-off"
    pickle.loads(pickle.dumps(Bomb(mark))).close()  # noqa: S301 (it works)
    assert mark.exists()
    mark.unlink()
    return Bomb(mark), mark


def zipped(content, path):
    """As torch.save writes it."""
    torch.save(content, path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("pytorch_model.bin", "pickle"),
        ("pytorch_model.bin", "torch"),
        pytest.param("model.safetensors", "torch", marks=pytest.mark.slow),
        ("knowledge_base.safetensors", "torch"),
        ("trie.safetensors", "pickle"),
        pytest.param("processor_config.json", "pickle", marks=pytest.mark.slow),
        pytest.param("tokenizer.json", "pickle", marks=pytest.mark.slow),
        pytest.param("config.json", "pickle", marks=pytest.mark.slow),
    ],
)
def test_a_pickle_under_any_name_never_runs(repository, bomb, name, form, tmp_path):
    content, mark = bomb
    data = pickle.dumps(content) if form == "pickle" else zipped({"model.shared.weight": content}, tmp_path / "zip")
    # Without the safetensors weights transformers asks for the .bin.
    repository.put({name: data} | ({"model.safetensors": None} if name == "pytorch_model.bin" else {}))
    with pytest.raises((OSError, ValueError)):
        load()
    assert not mark.exists()


def test_a_pickle_that_nobody_asks_for_never_runs(repository, bomb):
    content, mark = bomb
    names = ("trie.pkl", "knowledge_base.pkl", "pytorch_model.bin", "training_args.bin", "optimizer.pt", "scheduler.pt")
    repository.put(dict.fromkeys(names, pickle.dumps(content)))
    load()
    assert not mark.exists()


def test_a_pickle_that_calls_itself_parquet_never_runs(bomb, tmp_path):
    content, mark = bomb
    file = tmp_path / "kb.parquet"
    file.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match="kb.parquet: not a readable Parquet file"):
        KnowledgeBase.from_file(file)
    assert not mark.exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../escaped.safetensors",
        "/tmp/escaped.safetensors",
        pytest.param("a/../../../escaped.safetensors", marks=pytest.mark.slow),
    ],
)
def test_names_of_files_in_a_repository_stay_inside_the_cache(repository, name, tmp_path):
    """An index of weights in several files names its files freely."""
    weights = repository.files["model.safetensors"]
    keys = list(load_file(write_file(tmp_path, weights)))
    index = {"metadata": {"total_size": len(weights)}, "weight_map": dict.fromkeys(keys, name)}
    before = {path for path in tmp_path.rglob("*") if "escaped" in path.name}
    repository.put(
        {"model.safetensors": None, "model.safetensors.index.json": json.dumps(index).encode(), name: weights}
    )
    with pytest.raises((OSError, ValueError)):
        load()
    outside = {path for path in tmp_path.rglob("*") if "escaped" in path.name} - before
    assert outside == set()
    assert not Path("/tmp/escaped.safetensors").exists()


@pytest.mark.parametrize(
    "values",
    [{"d_model": 1 << 20}, {"decoder_layers": 10**9}, {"vocab_size": 1 << 40}, {"max_position_embeddings": 1 << 40}],
)
def test_a_configuration_of_impossible_size_takes_no_memory(repository, values):
    change_config(repository, **values)
    with pytest.raises(ValueError, match=r"config.json asks for [\d,]+ parameters or more, but model.safetensors has"):
        load()


def test_a_header_of_impossible_size_takes_no_memory(repository):
    """The first eight bytes of a safetensors file tell how long its header is."""
    for name in ("model.safetensors", "knowledge_base.safetensors", "trie.safetensors"):
        good = repository.files[name]
        repository.put({name: (1 << 60).to_bytes(8, "little") + good[8:]})
        with pytest.raises(ValueError, match=rf"{name}: not a readable safetensors file .*header"):
            load()
        repository.put({name: good})


def test_offsets_that_point_outside_are_refused(repository, tmp_path):
    path = write_file(tmp_path, repository.files["knowledge_base.safetensors"])
    tables = load_file(path)
    tables["name_offsets"] = tables["name_offsets"] * np.int64(1 << 40)
    forged = {"format": "angel-knowledge-base-1", "normalization": "lowercase-punctuation", "fingerprint": "0"}
    save_file(tables, path, metadata=forged)
    repository.put({"knowledge_base.safetensors": path.read_bytes()})
    with pytest.raises(ValueError, match="offsets 'name_offsets' do not run from 0 to"):
        load()
