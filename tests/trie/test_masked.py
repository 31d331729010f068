"""In a masked trie every way ends at an allowed name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf import NameTrie
from angel_hf.trie.masked import MaskedTrie


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), min_size=1, max_size=12, unique_by=tuple),
    st.data(),
)
def test_a_masked_trie_walks_to_the_allowed_names_and_to_no_other(sequences, data):
    trie = NameTrie.from_sequences(sequences)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(sequences), max_size=len(sequences))))
    if not allowed.any():
        with pytest.raises(ValueError, match="0 of"):
            MaskedTrie(trie, allowed)
        return
    masked = MaskedTrie(trie, allowed)
    reached, walks = set(), [(masked.root, ())]
    while walks:
        node, path = walks.pop()
        name = int(masked.name_index(np.array([node]))[0])
        if name >= 0:
            reached.add(name)
            assert tuple(sequences[name]) == path
        children = masked.expand(np.array([node]))
        assert name >= 0 or len(children.node), "no way ends without a name"
        walks += [(int(child), (*path, int(token))) for child, token in zip(children.node, children.token_id)]
    assert reached == set(np.flatnonzero(allowed).tolist())


def test_a_mask_over_a_masked_trie_allows_what_both_do():
    trie = NameTrie.from_sequences([[4], [4, 5], [6]])
    first, second = np.array([True, True, False]), np.array([False, True, True])
    masked = MaskedTrie(MaskedTrie(trie, first), second)
    assert [masked.find(name) for name in ([4], [4, 5], [6])] == [-1, 1, -1]
    with pytest.raises(ValueError, match="0 of"):
        MaskedTrie(MaskedTrie(trie, first), ~first)
    with pytest.raises(ValueError, match=r"2 of \(2,\) names are allowed; expected one or more of 3"):
        MaskedTrie(MaskedTrie(trie, first), np.array([True, True]))
