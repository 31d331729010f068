"""A large file is known by a sample of its blocks: exchanged or damaged ones are refused, and opening stays quick."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from angel_hf import KnowledgeBase, NameTrie
from angel_hf.arrays import array_file
from angel_hf.arrays.array_file import digest_metadata, sample_is_intact

BLOCK = 1 << 10


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(array_file, "_BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(array_file, "_LARGE_BYTES", 3 * BLOCK)
    monkeypatch.setattr(array_file, "_SAMPLED_BLOCKS", 4)


def trie_of(seed: int) -> NameTrie:
    generator = np.random.default_rng(seed)
    return NameTrie.build(generator.integers(3, 8_000, 10_000), np.arange(0, 10_001, 5))[0]


def knowledge_base_of(seed: int) -> KnowledgeBase:
    generator = np.random.default_rng(seed)
    return KnowledgeBase.from_names(
        {f"C{row}": [f"name {number}"] for row, number in enumerate(generator.permutation(9_000))}
    )


def exchange(path, other, tables):
    """The arrays of another file in the place of this one's, under this one's metadata."""
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    theirs = load_file(other)
    save_file(load_file(path) | {name: theirs[name] for name in tables}, path, metadata)


def test_every_block_in_the_sample_tells_a_change():
    arrays = {"a": np.arange(BLOCK, dtype=np.int64), "b": np.zeros(0), "c": np.arange(10, dtype=np.uint8)}
    metadata = digest_metadata(arrays)
    assert sample_is_intact(arrays, metadata) is True
    for position in (0, BLOCK - 1):  # in the first block and in the last, which are always looked at
        changed = arrays["a"].copy()
        changed[position] += 1
        assert sample_is_intact(arrays | {"a": changed}, metadata) is False
    inside = arrays["a"].copy()
    inside[BLOCK // 8 : -BLOCK // 8] += 1  # six of eight blocks: four of nine cannot miss all of them
    assert sample_is_intact(arrays | {"a": inside}, metadata) is False


def test_small_arrays_and_files_without_digests_are_to_be_read_whole():
    small = {"a": np.arange(10)}
    assert digest_metadata(small) == {}
    assert sample_is_intact(small, {}) is None
    assert sample_is_intact({"a": np.arange(BLOCK)}, {}) is None


@pytest.mark.parametrize("digests", ["no json", "[]", "{}", json.dumps({"a": "ab"}), json.dumps({"a": 7})])
def test_digests_that_do_not_fit_the_arrays_are_damage(digests):
    assert sample_is_intact({"a": np.arange(BLOCK)}, {"block_digests": digests}) is False


def test_a_large_trie_opens_without_being_read_whole_and_its_damage_is_found_by_reading(tmp_path, monkeypatch):
    trie = trie_of(0)
    path = trie.save(tmp_path)
    monkeypatch.setattr("angel_hf.trie.stored_trie.fingerprint", lambda *_: pytest.fail("all of the file was read"))
    loaded, _ = NameTrie.load(path)
    assert loaded.fingerprint == trie.fingerprint
    monkeypatch.undo()
    assert loaded.is_intact()
    loaded.token_ids = loaded.token_ids.copy()
    loaded.token_ids[1000] += 1
    assert not loaded.is_intact()


def test_a_large_trie_with_the_contents_of_another_is_refused(tmp_path):
    path, other = trie_of(0).save(tmp_path / "one"), trie_of(1).save(tmp_path / "other")
    exchange(path, other, ["terminal_names"])
    with pytest.raises(ValueError, match="trie.safetensors: its contents are not those that were saved"):
        NameTrie.load(path)


def test_a_large_knowledge_base_with_the_contents_of_another_is_refused(tmp_path):
    path, other = knowledge_base_of(0).save(tmp_path / "one"), knowledge_base_of(1).save(tmp_path / "other")
    exchange(path, other, ["name_bytes"])
    with pytest.raises(ValueError, match="knowledge_base.safetensors: its contents are not those that were saved"):
        KnowledgeBase.load(path)


def test_a_large_knowledge_base_is_read_whole_when_asked_to(tmp_path):
    knowledge_base = knowledge_base_of(0)
    path = knowledge_base.save(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(b"name 4000")] ^= 1
    path.write_bytes(bytes(content))
    for _ in range(40):  # a sample of blocks misses the one now and then
        try:
            loaded = KnowledgeBase.load(path)
        except ValueError:
            continue
        assert loaded.is_intact(sample_suffices=True)
        assert not loaded.is_intact()
        assert loaded.fingerprint == knowledge_base.fingerprint
        return
    pytest.fail("the sample found one changed byte forty times over: it reads all")
