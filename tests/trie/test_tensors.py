"""A trie as tensors says of each node what the trie itself says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import NameTrie
from angel_hf.trie import stored_trie
from angel_hf.trie.masked import MaskedTrie

key_sets = st.lists(st.lists(st.sampled_from([1, 2, 300, 70_000]), min_size=1, max_size=4), min_size=1, max_size=20)


@pytest.mark.parametrize("most_nodes", [0, 1 << 22], ids=["names in sorted order", "a name for each node"])
@settings(deadline=None, max_examples=40)
@given(key_sets, st.booleans(), st.data())
def test_nodes_have_the_children_tokens_names_and_heights_of_the_trie(most_nodes, keys, is_masked, data):
    trie = NameTrie.from_sequences(keys)
    if is_masked:
        allowed = data.draw(st.lists(st.booleans(), min_size=trie.num_names, max_size=trie.num_names).filter(any))
        trie = MaskedTrie(trie, np.array(allowed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_trie, "_MOST_NODES_WITH_NAMES", most_nodes)
        tensors = trie.tensors(torch.device("cpu"))
    nodes = torch.arange(trie.num_nodes)
    assert tensors.name_index(nodes).tolist() == trie.name_index(nodes.numpy()).tolist()
    assert tensors.first_child(nodes).tolist() == trie.first_child[:-1].tolist()
    assert tensors.token_id(nodes[1:]).tolist() == trie.token_ids[1:].tolist()
    assert tensors.height(nodes).tolist() == trie.heights.tolist()
    children = trie.expand(nodes.numpy()).node
    leads = tensors.is_allowed(nodes)
    assert sorted(children.tolist()) == (nodes[1:] if leads is None else nodes[1:][leads[1:]]).tolist()
