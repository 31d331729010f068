"""The exact search finds what scoring every name finds, and says so only where it has proved it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import AngelConfig, AngelForEntityLinking, NameTrie
from angel_hf.inference.packed.engine import PackedEngine
from angel_hf.inference.plain import PlainEngine
from angel_hf.search import best_first
from angel_hf.search.beam import Names
from angel_hf.search.best_first import BestFirstSearch
from angel_hf.trie.masked import MaskedTrie
from angel_hf.types import Hypothesis
from tests.exhaustive import score_all_names
from tests.toy import find_names, questions

PREFIX_END, END = 3, 2

tokens = st.integers(4, 13)
engines = st.sampled_from([PackedEngine, PlainEngine])
key_sets = st.lists(st.lists(tokens, min_size=1, max_size=6), min_size=1, max_size=25)
mentions = st.lists(
    st.tuples(st.lists(tokens, min_size=1, max_size=12), st.lists(tokens, max_size=4)), min_size=1, max_size=5
)


def small_model(names, seed=0, max_positions=32) -> AngelForEntityLinking:
    """A random model of a dozen tokens whose distributions are far from flat."""
    torch.manual_seed(seed)
    config = AngelConfig(
        vocab_size=14, d_model=8, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=max_positions,
        init_std=0.5, prefix_end_token_id=PREFIX_END,
    )  # fmt: skip
    model = AngelForEntityLinking(config).eval().double()
    model.trie = NameTrie.from_sequences(names)
    return model


def search(model, sources, prefixes, top_k, max_expansions=10_000, num_beams=10, make_engine=PackedEngine):
    best_first_search = BestFirstSearch(max_expansions, num_beams)
    return best_first_search(make_engine(model), questions(model, sources, prefixes), Names(model.trie), top_k)


@settings(deadline=None, max_examples=60)
@given(key_sets, mentions, st.integers(0, 2**16), st.integers(1, 4), st.sampled_from([1, 2, 64]), engines)
def test_the_names_found_are_the_best_of_all_names(names, batch, seed, top_k, width, make_engine):
    model = small_model(names, seed)
    sources = [[0, *source, END] for source, _ in batch]
    prefixes = [[*prefix, PREFIX_END] for _, prefix in batch]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_first, "_WIDTH", width)
        # Few beams first, so that there is something left to find.
        proofs = search(model, sources, prefixes, top_k, num_beams=top_k, make_engine=make_engine)
    for source, prefix, proof in zip(sources, prefixes, proofs, strict=True):
        expected = score_all_names(model, source, prefix)
        assert proof.is_proven
        assert len(proof.hypotheses) == min(top_k, len(expected))
        by_name = {hypothesis.name_index: hypothesis for hypothesis in expected}
        for found, best in zip(proof.hypotheses, expected):
            assert found.score == pytest.approx(best.score, abs=1e-5)  # names that tie may come in any order
            own = by_name[found.name_index]
            assert found.token_ids == own.token_ids
            assert found.token_logprobs == pytest.approx(own.token_logprobs, abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(key_sets, st.integers(0, 2**16), st.integers(1, 12))
def test_an_answer_is_called_proven_only_if_it_is_the_best(names, seed, budget):
    model = small_model(names, seed)
    (proof,) = search(model, [[0, 5, 6, END]], [[5, PREFIX_END]], 1, max_expansions=budget)
    assert proof.expansions <= budget
    if proof.is_proven:
        best = score_all_names(model, [0, 5, 6, END], [5, PREFIX_END])[0]
        assert proof.hypotheses[0].score == pytest.approx(best.score, abs=1e-5)


def test_the_root_is_looked_into_however_sure_the_model_is():
    """Rounding may give a name 0 or a little more; all mentions of a batch begin with the pass over their prefixes."""
    trie = NameTrie.from_sequences([[4], [5]])
    sure = Hypothesis((4, END), 2e-6, (1e-6, 1e-6), 0)
    engine = PackedEngine(small_model([[4]], max_positions=12))
    search = best_first._MentionSearch(trie, 1, engine, 3, 100, [sure])
    assert search.next_batch().node.tolist() == [trie.root]
    assert not len(search.next_batch())


def test_a_search_that_is_given_up_says_so_and_tells_what_beams_find():
    model = small_model([[4, 5, 6], [7, 8, 9], [10, 11, 12]])
    (proof,) = search(model, [[0, 5, 6, END]], [[5, PREFIX_END]], 1, max_expansions=1)
    (beams,) = find_names(model, [[0, 5, 6, END]], [[5, PREFIX_END]], num_beams=10)
    assert (proof.is_proven, proof.expansions, proof.hypotheses) == (False, 1, tuple(beams[:1]))


def test_names_beyond_the_last_position_are_not_proposed():
    model = small_model([[4], [4, 5], [4, 5, 6]], max_positions=6)
    # Six positions: three of the prefix, then a name and its end.
    (proof,) = search(model, [[0, 5, 6, END]], [[7, 8, PREFIX_END]], 5)
    assert sorted(hypothesis.token_ids for hypothesis in proof.hypotheses) == [(4, END), (4, 5, END)]


def test_the_bound_spares_most_of_a_trie():
    names = [[first, second, third] for first in range(4, 14) for second in range(4, 14) for third in range(4, 14)]
    model = small_model(names)
    (proof,) = search(model, [[0, 5, 6, END]], [[5, PREFIX_END]], 1)
    assert proof.is_proven
    assert proof.expansions < model.trie.num_nodes / 2


def test_in_a_masked_trie_only_allowed_names_are_found():
    model = small_model([[4], [5, 6], [5, 7], [8, 9, 10]])
    expected = [one for one in score_all_names(model, [0, 5, END], [5, PREFIX_END]) if one.name_index in (1, 3)]
    allowed = np.array([False, True, False, True])
    model.trie = MaskedTrie(model.trie, allowed)
    (proof,) = search(model, [[0, 5, END]], [[5, PREFIX_END]], 4)
    assert proof.is_proven
    assert [one.name_index for one in proof.hypotheses] == [one.name_index for one in expected]


@settings(deadline=None, max_examples=30)
@given(key_sets, st.integers(0, 2**16))
def test_no_name_below_a_node_scores_better_than_the_node_s_bound(names, seed):
    model = small_model(names, seed)
    children = {}
    for node in range(model.trie.num_nodes):
        below = model.trie.expand(np.array([node]))
        children |= {(node, int(token)): int(child) for token, child in zip(below.token_id, below.node)}
    for name in score_all_names(model, [0, 5, 6, END], [5, PREFIX_END]):
        node, total = model.trie.root, 0.0
        for depth, (token, logprob) in enumerate(zip(name.token_ids[:-1], name.token_logprobs), start=1):
            node, total = children[node, token], total + logprob
            bound = model.trie.score_bound(np.array([node]), np.array([total]), depth, room=32)
            assert name.score <= bound[0] + 1e-12
