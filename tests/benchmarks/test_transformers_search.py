"""transformers' own `generate`, an independent path, finds what the search finds."""

import pytest

from angel_hf import KnowledgeBase
from benchmarks.data import SAMPLE
from benchmarks.search_speed import GoldenMention, Searches, compare_answers, find_names, golden_mentions, load_searches
from benchmarks.transformers_search import batches_of_equal_prefix_length

TINY = SAMPLE / "reference" / "tiny"


def searches_over(names: list[str]) -> Searches:
    return load_searches(TINY, KnowledgeBase.from_names({"all": names}, normalization="lowercase"))


def ids_of(mentions: list[GoldenMention]) -> tuple[list[list[int]], list[list[int]]]:
    return [mention.encoder_ids for mention in mentions], [mention.prefix_ids for mention in mentions]


@pytest.fixture(scope="module")
def mentions():
    return golden_mentions(TINY)


@pytest.fixture(scope="module")
def searches(reference_names):
    """Four thousand names."""
    return searches_over(reference_names[::20])


@pytest.mark.parametrize("batch_size", [1, 4])
def test_both_give_common_names_the_same_scores_and_nearly_always_the_same_first_name(searches, mentions, batch_size):
    encoder_ids, prefix_ids = ids_of(mentions)
    ours = find_names(searches.ours, encoder_ids, prefix_ids)
    theirs = searches.theirs.search(encoder_ids, prefix_ids, 10, batch_size, with_scores=True)
    common = 0
    for our, their in zip(ours, theirs, strict=True):
        our_scores = {name.token_ids: name.score for name in our}
        their_scores = {name.token_ids: name.score for name in their}
        assert len(our_scores) == 10
        for token_ids in our_scores.keys() & their_scores.keys():
            assert their_scores[token_ids] == pytest.approx(our_scores[token_ids], abs=1e-5)
            common += 1
    assert common > 50
    # This model is so small that once `generate`, which prunes otherwise, stops before it has seen the best name.
    assert sum(our[0].token_ids == their[0].token_ids for our, their in zip(ours, theirs)) >= 9


def test_with_as_many_beams_as_names_both_give_all_names_in_order_with_their_scores(mentions, reference_names):
    # Each begins with another token: `generate` fills its beams with copies where the root has fewer children.
    by_first_word = {name[:2]: name for name in reference_names if 3 < len(name.split()) < 6}
    names = list(by_first_word.values())[::17][:10]
    searches = searches_over(names)
    searches.theirs.early_stopping = "never"
    assert len(searches.theirs.trie) == len(names) == 10
    encoder_ids, prefix_ids = ids_of(mentions)
    ours = find_names(searches.ours, encoder_ids, prefix_ids)
    theirs = searches.theirs.search(encoder_ids, prefix_ids, 10, 4, with_scores=True)
    for our, their in zip(ours, theirs, strict=True):
        assert len(our) == 10
        assert [name.token_ids for name in their] == [name.token_ids for name in our]
        assert [name.score for name in their] == pytest.approx([name.score for name in our], abs=1e-5)


def test_agreement_counts_equal_answers(searches, mentions):
    agreement = compare_answers(searches, mentions)
    assert agreement.mentions == 10
    assert min(agreement.first, agreement.first_by_default) >= 9
    assert 0 < agreement.all_names <= agreement.first
    # The golden answers are over all names, these over one in twenty.
    assert agreement.golden == 0


def test_batches_hold_prefixes_of_one_length_and_are_of_equal_size():
    prefix_ids = [[0] * length for length in (2, 3, 2, 2, 2, 3, 2)]
    encoder_ids = [[0] * length for length in (9, 1, 8, 7, 6, 2, 5)]
    batches = batches_of_equal_prefix_length(encoder_ids, prefix_ids, 4)
    assert batches == [[1, 5], [6, 4], [3, 2, 0]]
