"""The nested dict and NameTrie hold the same names, made from the same arrays."""

import numpy as np
import pytest

from angel_hf import NameTrie
from benchmarks.nested_dict import build_nested_dict
from benchmarks.trie_process import END_TOKEN_ID, lists_of_ids, measure, measure_in_new_process, traced_bytes

SEQUENCES = [[7, 8, 9], [7, 8], [5], [7, 8]]
TOKEN_IDS = np.array([token_id for sequence in SEQUENCES for token_id in sequence], dtype=np.int32)
OFFSETS = np.array([0, 3, 5, 6, 8])


def test_a_nested_dict_by_hand():
    assert build_nested_dict(SEQUENCES, 2) == {7: {8: {9: {2: 0}, 2: 1}}, 5: {2: 2}}


def test_lists_are_the_inverse_of_arrays():
    many = SEQUENCES * 10_000
    offsets = np.cumsum([0, *map(len, many)])
    assert list(lists_of_ids(np.concatenate([TOKEN_IDS] * 10_000), offsets)) == many


def test_both_tries_hold_the_same_names():
    def names(node: dict, before: tuple[int, ...] = ()) -> set[tuple[int, ...]]:
        found = {before} if END_TOKEN_ID in node else set()
        return found.union(*(names(child, (*before, token)) for token, child in node.items() if token != END_TOKEN_ID))

    trie = NameTrie.build(TOKEN_IDS, OFFSETS)[0]
    assert names(build_nested_dict(SEQUENCES, END_TOKEN_ID)) == {tuple(sequence) for sequence in trie.sequences()}


def test_memory_held_by_a_name_trie_is_that_of_its_arrays():
    generator = np.random.default_rng(0)
    token_ids = generator.integers(3, 8000, 10_000).astype(np.int32)
    offsets = np.arange(0, 10_001, 5)
    held, peak = traced_bytes("name-trie", token_ids, offsets)
    size = NameTrie.build(token_ids, offsets)[0].nbytes
    assert size <= held < 1.05 * size + 20_000
    assert peak > held
    assert traced_bytes("nested-dict", token_ids, offsets)[0] > 10 * held


def test_opening_is_measured_again_and_again(tmp_path):
    file = NameTrie.from_sequences(SEQUENCES).save(tmp_path)
    found = measure("open", "name-trie", file)
    assert len(found["open_seconds"]) == len(found["expand_root_seconds"]) > 10
    assert all(0 < seconds < 5 for seconds in found["open_seconds"])


@pytest.mark.slow
@pytest.mark.parametrize("trie", ["name-trie", "nested-dict"])
def test_a_new_process_measures_time_and_memory(trie, tmp_path):
    file = tmp_path / "ids.npz"
    np.savez(file, token_ids=TOKEN_IDS, offsets=OFFSETS)
    assert 0 < measure_in_new_process("time", trie, file)["cpu_seconds"] < 5
    assert measure_in_new_process("traced", trie, file)["held_bytes"] > 0
    assert measure_in_new_process("resident", trie, file).keys() == {"resident_bytes"}
