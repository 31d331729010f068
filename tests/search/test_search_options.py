"""What each departure from the published search may change, and what it never does."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import AngelConfig, AngelForEntityLinking, KnowledgeBase, NameTrie
from angel_hf.inference.packed.decoder import PackedDecoder
from angel_hf.inference.packed.engine import PackedEngine
from angel_hf.model.low_precision import fast_precisions, in_low_precision
from angel_hf.model.subset import restricted
from angel_hf.results import Proven
from angel_hf.search import AdaptiveBeamSearch, BeamSearch, BestFirstSearch, lookahead
from angel_hf.search.answer_cache import AnswerCache
from angel_hf.search.beam import Names
from tests.exhaustive import score_all_names
from tests.toy import CONCEPTS, byte_tokenizer, find_names, mention, questions, random_model

PREFIX_END, END = 3, 2

tokens = st.integers(4, 13)
key_sets = st.lists(st.lists(tokens, min_size=1, max_size=6), min_size=1, max_size=25)
batches = st.lists(
    st.tuples(st.lists(tokens, min_size=1, max_size=12), st.lists(tokens, max_size=4)), min_size=1, max_size=4
)


def small_model(names, seed=0) -> AngelForEntityLinking:
    """A random model of a dozen tokens whose distributions are far from flat."""
    torch.manual_seed(seed)
    config = AngelConfig(
        vocab_size=14, d_model=8, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=32, init_std=0.5,
        prefix_end_token_id=PREFIX_END,
    )  # fmt: skip
    model = AngelForEntityLinking(config).eval().double()
    model.trie = NameTrie.from_sequences(names)
    return model


def in_ids(batch):
    return [[0, *source, END] for source, _ in batch], [[*prefix, PREFIX_END] for _, prefix in batch]


def names_of(found):
    return [[hypothesis.name_index for hypothesis in hypotheses] for hypotheses in found]


@pytest.fixture(scope="module")
def model() -> AngelForEntityLinking:
    """A random model over three concepts."""
    found = random_model(byte_tokenizer())
    found.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    return found


MENTIONS = [mention("the old [ataxia] gene"), mention("a [t] of fever"), mention("wilson [ataxia]")]


# Fewer names than beams


@settings(deadline=None, max_examples=40)
@given(key_sets, batches, st.integers(0, 2**16), st.integers(1, 8), st.data())
def test_a_search_that_ends_early_gives_the_first_names_of_one_that_does_not(names, batch, seed, beams, data):
    model = small_model(names, seed)
    top_k = data.draw(st.integers(1, beams))
    whole = find_names(model, *in_ids(batch), num_beams=beams)
    early = find_names(model, *in_ids(batch), num_beams=beams, top_k=top_k)
    assert names_of(early) == [indices[:top_k] for indices in names_of(whole)]


def test_a_search_for_one_name_takes_fewer_rows_of_the_decoder(monkeypatch):
    """Where the best name is a short one, long ones need not be written to their end."""
    names = [[4], [5], [5, 6], *([first, 6, 7, 8, 9, 10, 11] for first in range(6, 14))]
    monkeypatch.setattr(lookahead, "ROWS", 0)
    rows, step = [], PackedDecoder.step
    monkeypatch.setattr(PackedDecoder, "step", lambda self, one: rows.append(len(one.slot)) or step(self, one))
    taken = {}
    for top_k in (6, 1):
        rows.clear()
        for seed in range(8):
            find_names(small_model(names, seed), [[0, 5, 6, END]], [[5, PREFIX_END]], num_beams=6, top_k=top_k)
        taken[top_k] = sum(rows)
    assert 0 < taken[1] < taken[6]


# Few beams first


@settings(deadline=None, max_examples=30)
@given(key_sets, batches, st.integers(0, 2**16))
def test_mentions_in_doubt_get_what_all_beams_find_and_others_what_the_first_find(names, batch, seed):
    model = small_model(names, seed)
    asked = questions(model, *in_ids(batch))
    engine = PackedEngine(model)
    # Names of even index are of one concept: with a wide margin they are in doubt where the beams found an odd one too.
    chosen = Names(model.trie, lambda name_index: frozenset((name_index % 2,)))
    narrow, wide = (BeamSearch(beams)(engine, chosen, asked, beams) for beams in (2, 6))
    doubtful = [len({one.name_index % 2 for one in hypotheses}) > 1 for hypotheses in narrow]
    found = AdaptiveBeamSearch(2, 6, margin=1e9)(engine, chosen, asked, 6)
    expected = [own if doubt else first for own, first, doubt in zip(wide, narrow, doubtful)]
    assert names_of(found) == names_of(expected)


def test_doubt_is_a_small_lead_over_another_concept(model):
    candidates = model.link(MENTIONS[0], 10).candidates
    (hypotheses,) = find_names(model, *model.processor.encode_mentions(MENTIONS[:1]))
    rival = next(one for one in candidates if set(one.concept_ids).isdisjoint(candidates[0].concept_ids))
    lead = candidates[0].score - rival.score
    chosen = Names(model.trie, lambda entry: frozenset(model.knowledge_base.entry_concept_ids(entry)))
    assert AdaptiveBeamSearch(margin=lead + 1e-4).is_in_doubt(hypotheses, chosen)
    assert not AdaptiveBeamSearch(margin=lead - 1e-4).is_in_doubt(hypotheses, chosen)


def test_without_doubt_few_beams_answer(model):
    search = AdaptiveBeamSearch(first_beams=2, margin=0.0)
    assert [len(linked.candidates) for linked in model.link(MENTIONS, search=search)] == [2, 2, 2]


def test_with_doubt_everywhere_the_answers_are_those_of_all_beams(model):
    found = model.link(MENTIONS, search=AdaptiveBeamSearch(first_beams=3, margin=1e9))
    for linked, expected in zip(found, model.link(MENTIONS)):
        if len({one.concept_ids for one in linked.candidates}) > 1:
            assert [one.name for one in linked.candidates] == [one.name for one in expected.candidates]


def test_as_many_beams_first_as_there_are_is_the_search_with_all_of_them(model):
    search = AdaptiveBeamSearch(first_beams=10, num_beams=10, margin=1e9)
    assert model.link(MENTIONS, search=search) == model.link(MENTIONS)


# Proof


def test_an_exact_answer_is_the_best_of_all_names_and_says_so(model):
    for linked in model.link(MENTIONS, top_k=2, search=BestFirstSearch()):
        encoder_ids, prefix_ids = model.processor.encode_mentions([linked.mention])
        expected = score_all_names(model, encoder_ids[0], prefix_ids[0])[:2]
        assert isinstance(linked, Proven) and linked.is_proven and linked.expansions > 0
        assert [one.score for one in linked.candidates] == pytest.approx([one.score for one in expected], abs=1e-4)


def test_an_exact_search_without_budget_is_not_proven(model):
    linked = model.link(MENTIONS[0], top_k=1, search=BestFirstSearch(max_expansions=1))
    assert (linked.is_proven, linked.expansions) == (False, 1)
    assert linked.best == model.link(MENTIONS[0], top_k=1).best


# Shorter context


@pytest.mark.parametrize(
    ("context_tokens", "source"),
    [(0, "[ataxia]"), (1, "[ataxia] gene"), (2, "old [ataxia] gene"), (3, "old [ataxia] gene fever"), (None, None)],
)
def test_a_shorter_context_is_what_stands_nearest(model, context_tokens, source):
    whole = mention("the old [ataxia] gene fever q")
    expected = model.processor.encode_mentions([whole if source is None else mention(source)])
    assert model.processor.encode_mentions([whole], context_tokens) == expected
    if source is not None:
        short = model.link(whole, context_tokens=context_tokens)
        assert short.candidates == model.link(mention(source)).candidates


# Answers from memory


@pytest.fixture
def remembering(model):
    """The model with a cache, which it loses after the test."""
    model.answer_cache = AnswerCache()
    yield model
    model.answer_cache = None


def test_a_mention_alone_is_searched_once_however_often_it_comes(remembering):
    found = remembering.link(MENTIONS, context_tokens=0)
    assert (remembering.answer_cache.hits, remembering.answer_cache.misses) == (1, 2)  # "ataxia" comes twice
    assert found[0].candidates == found[2].candidates
    assert remembering.link(MENTIONS, context_tokens=0) == found
    assert remembering.answer_cache.misses == 2


def test_another_search_is_another_question(remembering):
    first = remembering.link(MENTIONS[0])
    assert len(remembering.link(MENTIONS[0], top_k=1).candidates) == 1
    assert len(remembering.link(MENTIONS[0], top_k=2, search=BeamSearch(2)).candidates) == 2
    assert remembering.link(MENTIONS[0], top_k=1, search=BestFirstSearch()).is_proven
    assert remembering.link(MENTIONS[0]) == first


def test_other_names_are_another_question(remembering):
    before = remembering.link(MENTIONS[0])
    concept = before.candidates[-1].concept_ids[0]
    view = restricted(remembering, below=[concept])
    assert all(set(one.concept_ids) <= view.allowed_concepts for one in view.link(MENTIONS[0]).candidates)
    assert remembering.link(MENTIONS[0]) == before


def test_changed_weights_are_searched_anew(remembering):
    changed = copy.deepcopy(remembering)
    before = changed.link(MENTIONS[0])
    with torch.no_grad():
        changed.model.shared.weight.neg_()
    after = changed.link(MENTIONS[0])
    assert after.best.score != before.best.score
    changed.answer_cache = None
    assert changed.link(MENTIONS[0]).best.score == pytest.approx(after.best.score)


# Low precision


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_view_in_low_precision_links_alike_and_leaves_the_model_as_it_is(model, precision):
    before = model.link(MENTIONS)
    view = in_low_precision(model, precision)
    assert view.trie is model.trie and view.knowledge_base is model.knowledge_base
    found = view.link(MENTIONS)
    for linked, expected in zip(found, before):
        scores = {one.name: one.score for one in expected.candidates}
        assert np.mean([abs(one.score - scores[one.name]) for one in linked.candidates]) < 0.2
    assert [one.best.score for one in found] != [one.best.score for one in before]
    assert model.link(MENTIONS) == before
    # Nor does either change with the other.
    changed = copy.deepcopy(model)
    view = in_low_precision(changed, precision)
    found = view.link(MENTIONS)
    with torch.no_grad():
        for weight in changed.parameters():
            weight.add_(1)
    assert view.link(MENTIONS) == found


def test_what_is_not_known_or_not_in_float32_is_refused(model):
    with pytest.raises(ValueError, match="precision 'int4'; expected one of bfloat16, int8"):
        in_low_precision(model, "int4")
    with pytest.raises(ValueError, match=r"a model of torch.float64 on cpu; expected one in float32 on a CPU"):
        in_low_precision(small_model([[4]]), "int8")


@pytest.mark.parametrize("bfloat16", [True, False])
@pytest.mark.parametrize("int8", [True, False])
def test_precisions_are_those_that_the_processor_has_instructions_for(monkeypatch, bfloat16, int8):
    monkeypatch.setattr("angel_hf.model.low_precision.has_bfloat16", lambda device: bfloat16 and device == "cpu")
    monkeypatch.setattr("angel_hf.model.low_precision.has_packed_products", lambda: int8)
    assert fast_precisions() == ("bfloat16",) * bfloat16 + ("int8",) * int8


# What cannot be asked


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BeamSearch(0), "num_beams=0; expected 1 or more"),
        (lambda: AdaptiveBeamSearch(first_beams=1), "first_beams=1; expected 2 or more"),
        (lambda: AdaptiveBeamSearch(num_beams=0), "num_beams=0; expected 1 or more"),
        (lambda: AdaptiveBeamSearch(margin=-0.1), "margin=-0.1; expected 0 or more"),
        (lambda: AdaptiveBeamSearch(margin=float("nan")), "margin=nan; expected 0 or more"),
        (lambda: BestFirstSearch(max_expansions=0), "max_expansions=0; expected 1 or more"),
        (lambda: BestFirstSearch(num_beams=0), "num_beams=0; expected 1 or more"),
    ],
)
def test_searches_that_mean_nothing_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_negative_context_is_refused(model):
    with pytest.raises(ValueError, match="context_tokens=-1; expected 0 or more"):
        model.link(MENTIONS, context_tokens=-1)
