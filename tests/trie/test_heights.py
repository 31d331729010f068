"""Heights bound how long the names below a node may still become."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf.trie.name_trie import NameTrie

key_sets = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=7), min_size=1, max_size=15)


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


def test_heights_are_made_once_a_trie():
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
