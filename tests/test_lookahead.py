"""What is fed ahead of a search, and that it saves passes; that the answers stay the same, `test_search` tells."""

import numpy as np
import pytest

from angel_hf import NameTrie
from angel_hf.lookahead import ROWS, _below
from angel_hf.packed_bart import PackedBart
from tests.test_search import PREFIX_END, small_model


def node_after(trie: NameTrie, *token_ids: int) -> int:
    node = trie.root
    for token_id in token_ids:
        children = trie.expand(np.array([node]))
        (node,) = children.node[children.token_id == token_id].tolist()
    return node


@pytest.fixture
def trie() -> NameTrie:
    return NameTrie.from_sequences([[4, 5, 6], [4, 7], [8, 9], [8]])


def test_nodes_below_the_beams_come_by_score_and_number_of_siblings(trie):
    four, eight = node_after(trie, 4), node_after(trie, 8)
    # The only child of the second beam has its score; those of the first share theirs, and an only child keeps it.
    expected = [(1, 9), (0, 5), (0, 7), (3, 6)]
    parents, tokens, nodes = _below(trie, np.array([four, eight]), np.array([-1.0, -1.5], dtype=np.float32), 5)
    assert list(zip(parents, tokens, strict=True)) == expected
    assert nodes == [node_after(trie, *path) for path in ([8, 9], [4, 5], [4, 7], [4, 5, 6])]
    # From a beam that is further ahead, the others' order stays.
    parents, tokens, _ = _below(trie, np.array([four, eight]), np.array([-1.0, -9.0], dtype=np.float32), 5)
    assert list(zip(parents, tokens, strict=True)) == [(0, 5), (0, 7), (2, 6), (1, 9)]


def test_names_have_no_more_tokens_than_there_is_room_for(trie):
    four = np.array([node_after(trie, 4)])
    assert _below(trie, four, np.zeros(1, dtype=np.float32), 1)[1] == [5, 7]
    assert _below(trie, four, np.zeros(1, dtype=np.float32), 0) == ([], [], [])
    assert _below(trie, np.array([node_after(trie, 4, 7)]), np.zeros(1, dtype=np.float32), 9) == ([], [], [])


def test_nodes_with_many_children_are_left_alone():
    trie = NameTrie.from_sequences([[3, token] for token in range(4, 4 + ROWS)] + [[2, token] for token in range(99)])
    beams = np.array([node_after(trie, 3), node_after(trie, 2)])
    parents, tokens, _ = _below(trie, beams, np.array([-50.0, 0.0], dtype=np.float32), 9)
    assert parents == [0] * ROWS and tokens == list(range(4, 4 + ROWS))


@pytest.mark.parametrize(
    ("names", "passes"),
    [
        ([[4, 5, 6, 7, 8]], [5]),
        ([[4, 5, 6], [4, 5, 7, 8], [9]], [6]),
        ([[4]], [1]),
        ([[4, *range(5, 14)] * 2], [16, 4]),
    ],
    ids=["one name", "a tree", "one token", "more than a pass"],
)
def test_passes(names, passes, monkeypatch):
    rows, step_ahead = [], PackedBart.step_ahead

    def told(bart, state, token_ids, *rest):
        rows.append(len(token_ids))
        return step_ahead(bart, state, token_ids, *rest)

    monkeypatch.setattr(PackedBart, "step_ahead", told)
    model = small_model(names)
    found = model.search([[0, 5, 6, 2]], [[5, PREFIX_END]], num_beams=10)[0]
    assert len(found) == len(names)
    assert rows == passes
