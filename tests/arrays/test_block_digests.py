"""A stored file is known by digests: a small one whole, a large one by a sample of blocks, so that it opens quickly."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from angel_hf import KnowledgeBase, NameTrie
from angel_hf.arrays import digests
from angel_hf.arrays.digests import are_intact, with_digests
from angel_hf.knowledge_base.stored_knowledge_base import StoredKnowledgeBase
from angel_hf.trie.stored_trie import StoredTrie

BLOCK = 1 << 10


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(digests, "_BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(digests, "_LARGE_BYTES", 3 * BLOCK)
    monkeypatch.setattr(digests, "_SAMPLED_BLOCKS", 4)


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
    metadata = with_digests(arrays, {})
    assert are_intact(arrays, metadata) is True
    for position in (0, BLOCK - 1):  # in the first block and in the last, which are always looked at
        changed = arrays["a"].copy()
        changed[position] += 1
        assert are_intact(arrays | {"a": changed}, metadata) is False
    inside = arrays["a"].copy()
    inside[BLOCK // 8 : -BLOCK // 8] += 1  # six of eight blocks: four of nine cannot miss all of them
    assert are_intact(arrays | {"a": inside}, metadata) is False


def test_what_the_header_says_is_checked_too():
    arrays = {"a": np.arange(12, dtype=np.int32)}
    metadata = with_digests(arrays, {"normalization": "none"})
    assert are_intact(arrays, metadata) is True
    for changed in (arrays["a"].view(np.uint32), arrays["a"].view(np.int64), arrays["a"].reshape(3, 4)):
        assert are_intact({"a": changed}, metadata) is False
    assert are_intact({"b": arrays["a"]}, metadata) is False
    assert are_intact(arrays, metadata | {"normalization": "lowercase"}) is False
    assert are_intact(arrays, metadata | {"another": "key"}) is False


def test_files_without_digests_cannot_be_compared():
    assert are_intact({"a": np.arange(10)}, {}) is None
    assert are_intact({"a": np.arange(BLOCK)}, {}) is None


@pytest.mark.parametrize(
    "told", ["no json", "[]", "{}", json.dumps({"a": "ab"}), json.dumps({"a": 7}), "[" * 100_000], ids=range(6)
)
def test_digests_that_do_not_fit_the_arrays_are_damage(told):
    assert are_intact({"a": np.arange(BLOCK)}, {"block_digests": told}) is False


def test_a_large_trie_opens_without_being_read_whole_and_its_damage_is_found_by_reading(tmp_path, monkeypatch):
    trie = trie_of(0)
    path = trie.save(tmp_path)
    for module in ("trie.stored_trie", "trie.walkable_trie", "arrays.digests"):
        monkeypatch.setattr(f"angel_hf.{module}.fingerprint", lambda *_: pytest.fail("all of the file was read"))
    loaded, _ = NameTrie.load(path)
    assert loaded.fingerprint == trie.fingerprint
    assert loaded.is_intact(sample_suffices=True)
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


def damage_inside(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"name 4000")] ^= 1
    path.write_bytes(bytes(content))


def test_a_large_knowledge_base_is_read_whole_when_asked_to(tmp_path):
    knowledge_base = knowledge_base_of(0)
    path = knowledge_base.save(tmp_path)
    KnowledgeBase.load(path, verify=True)
    damage_inside(path)
    with pytest.raises(ValueError, match="knowledge_base.safetensors: its contents are not those that were saved"):
        KnowledgeBase.load(path, verify=True)
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


@pytest.mark.parametrize("large", [False, True])
def test_a_file_from_before_there_were_digests_opens_and_is_checked_by_its_fingerprint(tmp_path, monkeypatch, large):
    knowledge_base, trie = knowledge_base_of(0), trie_of(0)
    # What the code that travels with a model writes.
    names = StoredKnowledgeBase(knowledge_base.tables, knowledge_base.normalization).save(tmp_path)
    nodes = StoredTrie(*trie.arrays).save(tmp_path)
    if not large:
        monkeypatch.undo()
    assert KnowledgeBase.load(names, verify=large).fingerprint == knowledge_base.fingerprint
    assert NameTrie.load(nodes, verify=large)[0].fingerprint == trie.fingerprint
    damage_inside(names)
    with pytest.raises(ValueError, match="knowledge_base.safetensors: its contents are not those that were saved"):
        KnowledgeBase.load(names, verify=large)
    content = bytearray(nodes.read_bytes())
    content[-1] ^= 1
    nodes.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="trie.safetensors: its contents are not those that were saved"):
        NameTrie.load(nodes, verify=large)
