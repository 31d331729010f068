"""The search agrees with the published inference and with scoring every name."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import AngelConfig, AngelForEntityLinking, KnowledgeBase, NameTrie
from tests.exhaustive import score_all_names
from tests.toy import find_names

PREFIX_END = 3


# Golden outputs


@pytest.fixture(scope="session")
def golden(reference_model, reference_names):
    """A reference model over all reference names, with the mentions and answers of the published code."""
    knowledge_base = KnowledgeBase.from_names({"all": reference_names}, normalization="lowercase")
    model = AngelForEntityLinking.from_pretrained(reference_model, knowledge_base=knowledge_base)
    return model, json.loads((reference_model / "golden.json").read_text())["mentions"]


def in_batches(size: int):
    return lambda rows: [rows[first : first + size] for first in range(0, len(rows), size)]


@pytest.mark.parametrize(
    "batches",
    [in_batches(1), in_batches(1000), lambda rows: [rows[::-1]], in_batches(7)],
    ids=["alone", "one batch", "reversed", "batches of 7"],
)
@pytest.mark.parametrize("engine", ["packed", "plain"])
def test_golden_outputs(golden, batches, engine):
    model, mentions = golden
    compared = 0
    for rows in batches(list(range(len(mentions)))):
        found = find_names(
            model,
            [mentions[row]["input_ids"] for row in rows],
            [mentions[row]["decoder_prefix_ids"] for row in rows],
            num_beams=10,
            batch_size=len(rows),
            engine=engine,
        )
        for row, hypotheses in zip(rows, found, strict=True):
            expected = mentions[row]["hyps"]
            names = [model.knowledge_base.entry_name(hypothesis.name_index) for hypothesis in hypotheses]
            assert names == [hypothesis["name"] for hypothesis in expected]
            for hypothesis, golden_hypothesis in zip(hypotheses, expected, strict=True):
                assert list(hypothesis.token_ids) == golden_hypothesis["tokens"]
                assert abs(hypothesis.score - golden_hypothesis["score_f64"]) <= 2e-5
                np.testing.assert_allclose(hypothesis.token_logprobs, golden_hypothesis["token_logprobs"], atol=1e-4)
                compared += 1
    assert compared == 10 * len(mentions)


def test_the_committed_names_are_those_of_the_shared_data(shared_data, reference_names):
    full = shared_data / "genbioel" / "ncbi" / "target_kb.json"
    names = {name for own in json.loads(full.read_text()).values() for name in own}
    assert names <= set(reference_names)


# Exhaustive agreement


def small_model(names: list[list[int]], seed: int = 0, **config) -> AngelForEntityLinking:
    """A random model of a dozen tokens whose distributions are far from flat."""
    torch.manual_seed(seed)
    settings_ = {
        "vocab_size": 14, "d_model": 8, "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 32,
        "init_std": 0.5, "prefix_end_token_id": PREFIX_END,
    } | config  # fmt: skip
    # In double precision, so that rounding does not hide behind the tolerance.
    model = AngelForEntityLinking(AngelConfig(**settings_)).eval().double()
    model.trie = NameTrie.from_sequences(names)
    return model


tokens = st.integers(4, 13)
key_sets = st.lists(st.lists(tokens, min_size=1, max_size=5), min_size=1, max_size=12)
mentions = st.lists(
    st.tuples(st.lists(tokens, min_size=1, max_size=12), st.lists(tokens, max_size=4)), min_size=1, max_size=5
)


def assert_same_hypotheses(found, expected, tolerance=1e-5):
    assert {hypothesis.name_index for hypothesis in found} == {hypothesis.name_index for hypothesis in expected}
    assert [hypothesis.score for hypothesis in found] == sorted((h.score for h in found), reverse=True)
    by_name = {hypothesis.name_index: hypothesis for hypothesis in expected}
    for hypothesis in found:
        other = by_name[hypothesis.name_index]
        assert hypothesis.token_ids == other.token_ids
        assert hypothesis.score == pytest.approx(other.score, abs=tolerance)
        assert hypothesis.token_logprobs == pytest.approx(other.token_logprobs, abs=tolerance)


engines = st.sampled_from(["packed", "plain"])


@settings(deadline=None, max_examples=60)
@given(names=key_sets, batch=mentions, seed=st.integers(0, 2**16), extra_beams=st.integers(0, 3), engine=engines)
def test_with_enough_beams_the_search_equals_scoring_every_name(names, batch, seed, extra_beams, engine):
    model = small_model(names, seed)
    sources = [[0, *source, 2] for source, _ in batch]
    prefixes = [[*prefix, PREFIX_END] for _, prefix in batch]
    found = find_names(model, sources, prefixes, num_beams=model.trie.num_names + extra_beams, engine=engine)
    for source, prefix, hypotheses in zip(sources, prefixes, found, strict=True):
        assert_same_hypotheses(hypotheses, score_all_names(model, source, prefix))


@settings(deadline=None, max_examples=30)
@given(names=key_sets, batch=mentions, seed=st.integers(0, 2**16), beams=st.integers(1, 4), engine=engines)
def test_a_mention_alone_equals_the_mention_in_a_batch(names, batch, seed, beams, engine):
    model = small_model(names, seed)
    sources = [[0, *source, 2] for source, _ in batch]
    prefixes = [[*prefix, PREFIX_END] for _, prefix in batch]
    together = find_names(model, sources, prefixes, num_beams=beams, engine=engine)
    reversed_ = find_names(model, sources[::-1], prefixes[::-1], num_beams=beams, batch_size=2)[::-1]
    for row, hypotheses in enumerate(together):
        assert_same_hypotheses(hypotheses, find_names(model, sources[row : row + 1], prefixes[row : row + 1], beams)[0])
        assert_same_hypotheses(hypotheses, reversed_[row])


# What the published search gets wrong


def search_one(model, num_beams, prefix=(5, PREFIX_END)):
    return find_names(model, [[0, 5, 6, 2]], [list(prefix)], num_beams=num_beams)[0]


def test_fewer_names_than_beams_gives_all_names():
    model = small_model([[4], [5], [6, 7]])
    assert_same_hypotheses(search_one(model, 10), score_all_names(model, [0, 5, 6, 2], [5, PREFIX_END]))


def test_one_name():
    (only,) = search_one(small_model([[4, 5, 6]]), 10)
    assert only.token_ids == (4, 5, 6, 2)


def test_names_that_begin_each_other_are_all_found():
    found = search_one(small_model([[4], [4, 5], [4, 5, 6], [4, 5, 6, 7]]), 4)
    assert sorted(hypothesis.token_ids for hypothesis in found) == [(4, 2), (4, 5, 2), (4, 5, 6, 2), (4, 5, 6, 7, 2)]


def test_a_mention_that_contains_the_prefix_end_scores_only_the_target():
    model = small_model([[4], [5, 6]])
    prefix = [PREFIX_END, 7, PREFIX_END]
    assert_same_hypotheses(search_one(model, 2, prefix), score_all_names(model, [0, 5, 6, 2], prefix))


def test_names_beyond_the_last_position_are_not_proposed():
    model = small_model([[4], [4, 5], [4, 5, 6]], max_position_embeddings=6)
    # Six positions: three of the prefix, then a name and its end.
    found = search_one(model, 5, prefix=[7, 8, PREFIX_END])
    assert sorted(hypothesis.token_ids for hypothesis in found) == [(4, 2), (4, 5, 2)]


def test_the_beam_is_pruned_by_sum_and_ranked_by_mean():
    """Greedy by sum, a search of one beam, may miss the best mean, and does for some seed."""
    names = [[4], [5, 6, 7], [8, 9, 10, 11]]
    missed = 0
    for seed in range(40):
        model = small_model(names, seed)
        best = score_all_names(model, [0, 5, 6, 2], [5, PREFIX_END])[0]
        missed += search_one(model, 1)[0].name_index != best.name_index
    assert 0 < missed < 40


def test_length_penalty_divides_by_a_power_of_the_length():
    model = small_model([[4], [5, 6]])
    for penalty in (0.0, 0.5, 2.0):
        for hypothesis in find_names(model, [[0, 5, 2]], [[5, PREFIX_END]], 2, length_penalty=penalty)[0]:
            length = len(hypothesis.token_ids)
            assert hypothesis.score == pytest.approx(sum(hypothesis.token_logprobs) / length**penalty)


# What cannot be searched


@pytest.mark.parametrize(
    ("source", "prefix", "message"),
    [
        ([0, 2], [5, 6], "mention 0: prefix ends in token 6, expected 3"),
        ([0, 2], [], "mention 0: prefix ends in token None"),
        ([], [5, PREFIX_END], "mention 0: source of 0 tokens; the encoder reads 1 to 32"),
        ([5] * 33, [5, PREFIX_END], "mention 0: source of 33 tokens; the encoder reads 1 to 32"),
        ([0, 2], [5] * 31 + [PREFIX_END], "prefix of 32 tokens leaves no room"),
    ],
)
def test_ids_that_cannot_be_searched_are_refused(source, prefix, message):
    with pytest.raises(ValueError, match=message):
        find_names(small_model([[4]]), [source], [prefix])


def test_no_mentions_give_no_answers():
    assert find_names(small_model([[4]]), [], []) == []


def test_a_model_without_knowledge_base_says_how_to_get_one():
    model = small_model([[4]])
    model.trie = None
    with pytest.raises(RuntimeError, match=r"no knowledge base to link to; call model.set_knowledge_base"):
        find_names(model, [[0, 2]], [[PREFIX_END]])
