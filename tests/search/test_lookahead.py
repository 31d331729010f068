"""What is read ahead of a search, and that it saves passes; `test_search` shows that the answers stay the same."""

import numpy as np
import pytest

from angel_hf import NameTrie
from angel_hf.inference.packed.decoder import PackedDecoder
from angel_hf.search.lookahead import ROWS, Ahead, below
from tests.exhaustive import score_all_names
from tests.search.test_search import PREFIX_END, assert_same_hypotheses, small_model
from tests.toy import find_names


def node_after(trie: NameTrie, *token_ids: int) -> int:
    node = trie.root
    for token_id in token_ids:
        children = trie.expand(np.array([node]))
        (node,) = children.node[children.token_id == token_id].tolist()
    return node


@pytest.fixture
def trie() -> NameTrie:
    return NameTrie.from_sequences([[4, 5, 6], [4, 7], [8, 9], [8]])


def ahead(nodes, scores, room=9, mentions=None) -> Ahead:
    """Beams of one mention, unless others are named."""
    count = len(nodes)
    return Ahead(
        parent=np.arange(count),
        mention=np.zeros(count, dtype=np.int64) if mentions is None else np.array(mentions),
        token_id=np.zeros(count, dtype=np.int64),
        node=np.array(nodes),
        score=np.array(scores, dtype=np.float32),
        room=np.full(count, room),
    )


def test_nodes_below_the_beams_come_by_score_and_number_of_siblings(trie):
    beams = [node_after(trie, 4), node_after(trie, 8)]
    # The only child of the second beam has its score; those of the first share theirs, and an only child keeps it.
    found = below(trie, ahead(beams, [-1.0, -1.5]), 9)
    assert [one[:2] for one in found] == [(1, 9), (0, 5), (0, 7), (3, 6)]
    assert [one[2] for one in found] == [node_after(trie, *path) for path in ([8, 9], [4, 5], [4, 7], [4, 5, 6])]
    # Behind a beam that is far ahead, the other's child comes last.
    assert [one[:2] for one in below(trie, ahead(beams, [-1.0, -9.0]), 9)] == [(0, 5), (0, 7), (2, 6), (1, 9)]
    # The first of these are the same when fewer are asked for.
    assert [one[:2] for one in below(trie, ahead(beams, [-1.0, -9.0]), 3)] == [(0, 5), (0, 7), (2, 6)]
    assert below(trie, ahead(beams, [-1.0, -9.0]), 0) == []
    # As the best of another mention it is not behind.
    found = below(trie, ahead(beams, [-1.0, -9.0], mentions=[0, 1]), 9)
    assert [one[:2] for one in found] == [(1, 9), (0, 5), (0, 7), (3, 6)]


def test_names_have_no_more_tokens_than_there_is_room_for(trie):
    four, last = node_after(trie, 4), node_after(trie, 4, 7)
    assert [token for _, token, _ in below(trie, ahead([four], [0.0], room=2), 9)] == [5, 7]
    assert below(trie, ahead([four], [0.0], room=1), 9) == []
    assert below(trie, ahead([last], [0.0]), 9) == []


def test_nodes_with_many_children_are_left_alone():
    few, many = ([[first, token] for token in range(4, 4 + count)] for first, count in ((3, ROWS), (2, 99)))
    trie = NameTrie.from_sequences(few + many)
    found = below(trie, ahead([node_after(trie, 3), node_after(trie, 2)], [-50.0, 0.0]), 99)
    assert [one[:2] for one in found] == [(0, token) for token in range(4, 4 + ROWS)]


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
def test_passes_of_a_mention_alone(names, passes, monkeypatch):
    rows, step_tree = [], PackedDecoder.step_tree

    def counted(decoder, token_ids, *rest):
        rows.append(len(token_ids))
        return step_tree(decoder, token_ids, *rest)

    monkeypatch.setattr(PackedDecoder, "step_tree", counted)
    model = small_model(names)
    found = find_names(model, [[0, 5, 6, 2]], [[5, PREFIX_END]], num_beams=10)[0]
    assert len(found) == len(names)
    assert rows == passes


def test_the_last_mentions_of_a_batch_are_fed_ahead_together(monkeypatch):
    """Rows of two mentions in one pass, of which one has several."""
    passes, step_tree = [], PackedDecoder.step_tree

    def counted(decoder, token_ids, mentions, *rest):
        passes.append(mentions.tolist())
        return step_tree(decoder, token_ids, mentions, *rest)

    monkeypatch.setattr(PackedDecoder, "step_tree", counted)
    model = small_model([[4, 5, 6], [7, 8, 9]])
    sources, prefixes = [[0, 5, 6, 2], [0, 9, 2]], [[5, PREFIX_END], [PREFIX_END]]
    found = find_names(model, sources, prefixes, num_beams=5)
    assert passes == [[0] * 6 + [1] * 6]
    for source, prefix, hypotheses in zip(sources, prefixes, found, strict=True):
        assert_same_hypotheses(hypotheses, score_all_names(model, source, prefix))
