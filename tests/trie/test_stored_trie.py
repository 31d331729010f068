"""A trie walked, measured, saved and opened: from a mapped file, or refused."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from safetensors.numpy import load_file

from angel_hf import NameTrie
from angel_hf.trie.stored_trie import StoredTrie
from angel_hf.trie.walkable_trie import WalkableTrie
from tests.trie.nested_dict import assert_equal_tries, key_sets, nested_dict

# Walking


def test_expand_takes_nodes_in_any_order_and_twice():
    trie = NameTrie.from_sequences([[1, 2], [1, 3], [4, 5]])
    one, four = trie.expand(np.array([trie.root])).node
    expansion = trie.expand(np.array([four, one, four]))
    assert expansion.row.tolist() == [0, 1, 1, 2]
    assert expansion.token_id.tolist() == [5, 2, 3, 5]


@settings(deadline=None)
@given(key_sets)
def test_find_gives_the_name_of_its_token_ids_and_of_no_others(sequences):
    trie = NameTrie.from_sequences(sequences)
    distinct = list(dict.fromkeys(map(tuple, sequences)))
    assert [trie.find(sequence) for sequence in distinct] == list(range(len(distinct)))
    others = {sequence[:-1] for sequence in distinct} | {(*sequence, 1) for sequence in distinct} - set(distinct)
    assert {trie.find(sequence) for sequence in others - set(distinct)} <= {-1}


# Heights bound how long the names below a node may still become


@settings(deadline=None)
@given(key_sets)
def test_the_height_of_a_node_is_the_longest_way_down_from_it(names):
    trie = NameTrie.from_sequences(names)
    expected = {}
    for node in reversed(range(trie.num_nodes)):  # children have greater numbers than their parents
        children = trie.expand(np.array([node])).node
        expected[node] = 1 + max(expected[child] for child in children.tolist()) if len(children) else 0
    assert trie.heights.tolist() == [expected[node] for node in range(trie.num_nodes)]


def test_the_root_is_as_high_as_the_longest_name_is_long():
    assert NameTrie.from_sequences([[1], [2, 3], [2, 3, 4, 5], [6, 7, 8]]).heights[0] == 4


def test_heights_are_computed_once_a_trie():
    trie = NameTrie.from_sequences([[1, 2]])
    assert trie.heights is trie.heights
    assert NameTrie.from_sequences([[1, 2]]).heights is not trie.heights


def test_threads_that_begin_together_get_the_same_heights():
    trie, together = NameTrie.from_sequences([[place % 7, place // 7] for place in range(5000)]), threading.Barrier(8)

    def ask(_):
        together.wait(timeout=30)
        return trie.heights

    with ThreadPoolExecutor(8) as pool:
        assert len({id(heights) for heights in pool.map(ask, range(8))}) == 1


# Files


def test_saved_and_opened_memory_mapped(tmp_path):
    sequences = [[7, 8, 9], [7, 8], [1]]
    NameTrie.from_sequences(sequences).save(tmp_path, {"knowledge_base": "abc"})
    trie, metadata = NameTrie.load(tmp_path)
    assert trie.sequences() == sequences
    assert metadata["knowledge_base"] == "abc"
    assert_equal_tries(trie, nested_dict(sequences))
    assert [file.name for file in tmp_path.iterdir()] == ["trie.safetensors"]
    assert not any(array.flags.owndata for array in trie.arrays)


def test_the_half_that_only_reads_has_the_same_contents(tmp_path):
    sequences = [[7, 8, 9], [7, 8], [1]]
    path = NameTrie.from_sequences(sequences).save(tmp_path)
    stored, _ = StoredTrie.load(path)
    assert type(stored) is StoredTrie
    assert type(NameTrie.load(path)[0]) is NameTrie
    assert WalkableTrie(*stored.arrays).sequences() == sequences
    again = stored.save(tmp_path / "again")
    assert load_file(again).keys() == load_file(path).keys(), "what is written without digests opens as well"
    assert NameTrie.load(again)[0].sequences() == sequences


def test_a_damaged_file_is_refused(tmp_path):
    path = NameTrie.from_sequences([[7, 8, 9], [7, 8]]).save(tmp_path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match=r"trie.safetensors: not a readable safetensors file .* build it again"):
        NameTrie.load(tmp_path)


def test_other_contents_than_were_saved_are_noticed(tmp_path):
    path = NameTrie.from_sequences([[7, 8, 9], [7, 8]]).save(tmp_path)
    assert NameTrie.load(path)[0].is_intact()
    # The token 9, in two bytes.
    damaged = path.read_bytes().replace(b"\x09\x00", b"\x0a\x00")
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match="trie.safetensors: its contents are not those that were saved"):
        NameTrie.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"trie.safetensors: no such file; expected a safetensors file with"):
        NameTrie.load(tmp_path)


def test_arrays_that_do_not_fit_each_other_are_refused(tmp_path):
    trie = NameTrie.from_sequences([[7, 8, 9], [7, 8]])
    trie.first_child = trie.first_child[:-1]
    trie.save(tmp_path)
    with pytest.raises(ValueError, match="its arrays do not fit each other"):
        NameTrie.load(tmp_path)
