"""Names that are spelled as their mentions: found, scored and put first."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention, NameTrie
from angel_hf.inference.packed.engine import PackedEngine
from angel_hf.model.subset import restricted
from angel_hf.search import BeamSearch, VerbatimFirst, lookahead
from angel_hf.search.answer_cache import AnswerCache
from angel_hf.search.lookahead import LookaheadEngine
from angel_hf.search.verbatim import put_first, score_names
from angel_hf.trie.masked import MaskedTrie
from angel_hf.types import Concept, Hypothesis, Question
from tests.exhaustive import score_all_names
from tests.search.test_search_options import END, batches, in_ids, key_sets, names_of, small_model
from tests.toy import CONCEPTS, byte_tokenizer, find_names, mention, questions, random_model

VERBATIM = VerbatimFirst()


@given(key_sets, st.lists(st.integers(4, 13), max_size=6))
def test_a_name_is_found_by_its_tokens_and_nothing_else_is(names, other):
    trie = NameTrie.from_sequences(names)
    distinct = list(dict.fromkeys(map(tuple, names)))
    assert [trie.find(name) for name in distinct] == list(range(len(distinct)))
    if tuple(other) not in distinct:
        assert trie.find(other) == -1


def test_a_name_outside_the_allowed_part_of_a_trie_is_not_found():
    trie = NameTrie.from_sequences([[4], [4, 5], [6]])
    masked = MaskedTrie(trie, np.array([False, True, False]))
    assert [masked.find(name) for name in ([4], [4, 5], [6])] == [-1, 1, -1]


@pytest.mark.parametrize("rows", [0, lookahead.ROWS])
@settings(deadline=None, max_examples=30)
@given(key_sets, batches, st.integers(0, 2**16), st.data())
def test_a_name_has_the_score_that_scoring_all_names_gives_it(rows, names, batch, seed, data):
    model = small_model(names, seed)
    sources, prefixes = in_ids(batch)
    own = [data.draw(st.sampled_from(names)) for _ in batch]
    asked = [replace(one, surface_ids=ids) for one, ids in zip(questions(model, sources, prefixes), own)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lookahead, "ROWS", rows)
        found = score_names(LookaheadEngine(PackedEngine(model)), model.trie, asked)
    for hypothesis, name, source, prefix in zip(found, own, sources, prefixes):
        assert hypothesis is not None
        (expected,) = (one for one in score_all_names(model, source, prefix) if one.name_index == hypothesis.name_index)
        assert hypothesis.token_ids == (*name, END) == expected.token_ids
        assert hypothesis.score == pytest.approx(expected.score, abs=1e-5)
        assert hypothesis.token_logprobs == pytest.approx(expected.token_logprobs, abs=1e-5)


def test_a_name_that_the_decoder_has_no_room_for_has_no_score():
    model = small_model([[4, 5, 6]])
    asked = [Question([0, 5, END], [END, 5, 3], [4, 5, 6])] * 2
    found = []
    for most in (6, 5):
        engine = PackedEngine(model)
        engine.max_length = most
        found.append(score_names(engine, model.trie, asked))
    roomy, narrow = found
    assert [one.name_index for one in roomy] == [0, 0]
    assert narrow == [None, None]


def test_the_name_leads_and_the_others_stay_in_their_order():
    ranked = [Hypothesis((name, END), -name, (-name, 0.0), name) for name in (1, 2, 3)]
    assert names_of([put_first(2, ranked), put_first(9, ranked), put_first(-1, ranked)]) == [
        [2, 1, 3],
        [1, 2, 3],
        [1, 2, 3],
    ]


# A whole model


@pytest.fixture(scope="module")
def model() -> AngelForEntityLinking:
    """A random model, which prefers any name to another by chance, over three concepts."""
    found = random_model(byte_tokenizer())
    found.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    return found


MENTIONS = [
    mention("the old [ataxia] gene"),
    mention("a [t] of fever"),
    mention("the [A-T] gene"),
    mention("[Louis Bar]"),
    mention("[...]"),
]
SPELLED = ["ataxia", None, "a t", "louis bar", None]


def test_mentions_that_spell_a_name_have_it_first_and_the_others_what_the_search_finds(model):
    published, verbatim = model.link(MENTIONS), model.link(MENTIONS, search=VERBATIM)
    for before, after, name in zip(published, verbatim, SPELLED):
        if name is None:
            assert after == before
            continue
        assert after.candidates[0].name.lower().replace("-", " ") == name
        rest = [one for one in before.candidates if one.name != after.candidates[0].name]
        assert list(after.candidates[1:]) == rest[: len(after.candidates) - 1]
        same = next(one for one in before.candidates if one.name == after.candidates[0].name)
        assert after.candidates[0].concept_ids == same.concept_ids
        assert after.candidates[0].score == pytest.approx(same.score, abs=1e-5)
    # A random model does not happen to put them all first.
    assert any(before != after for before, after in zip(published, verbatim))


def test_a_shared_name_keeps_all_its_concepts(model):
    assert model.link(MENTIONS[2], search=VERBATIM).best.concept_ids == ("D001260", "X1")


def test_a_name_that_the_beams_lose_comes_first_with_its_score(model):
    whole = model.link(MENTIONS[0], 10)
    (lost,) = [one for one in model.link(MENTIONS[:1], 10)[0].candidates if one.name == "Ataxia"]
    narrow = model.link(MENTIONS[0], 1, VerbatimFirst(BeamSearch(1)))
    assert [one.name for one in narrow.candidates] == ["Ataxia"]
    assert narrow.best.score == pytest.approx(lost.score, abs=1e-5)
    # With two beams, and two names wanted, the others are those of the search.
    two = BeamSearch(2)
    published, verbatim = (model.link(MENTIONS[0], 2, search) for search in (two, VerbatimFirst(two)))
    assert "Ataxia" in [one.name for one in whole.candidates] and len(verbatim.candidates) == 2
    assert verbatim.candidates[1] == next(one for one in published.candidates if one.name != "Ataxia")


def test_one_name_is_the_first_of_many_and_takes_no_search_where_it_is_spelled(model, monkeypatch):
    many = model.link(MENTIONS, search=VERBATIM)
    asked, call = [], BeamSearch.__call__
    monkeypatch.setattr(
        BeamSearch,
        "__call__",
        lambda self, engine, names, batch, top_k: asked.append(len(batch)) or call(self, engine, names, batch, top_k),
    )
    one = model.link(MENTIONS, top_k=1, search=VERBATIM)
    assert asked == [SPELLED.count(None)]
    assert [linked.best.name for linked in one] == [linked.best.name for linked in many]
    assert [linked.best.score for linked in one] == pytest.approx([linked.best.score for linked in many], abs=1e-5)


def test_names_outside_a_restricted_part_do_not_lead(model):
    view = restricted(model, below=["D001259"])
    of_another = mention("[Maladie de Louis–Bar]")
    assert model.link(of_another, search=VERBATIM).best.concept_ids == ("X1",)
    assert view.link(of_another, search=VERBATIM) == view.link(of_another)
    # Where concepts share the name, it leads for the one that is left.
    assert view.link(MENTIONS[2], search=VERBATIM).best.concept_ids == ("D001260",)


def test_names_count_in_the_form_of_the_knowledge_base():
    model = random_model(byte_tokenizer())
    model.set_knowledge_base(
        KnowledgeBase.from_concepts([Concept("1", ("Ataxia",)), Concept("2", ("ataxia",))], "as-is")
    )
    for name in ("Ataxia", "ataxia"):
        assert model.link(mention(f"old [{name}]"), search=VERBATIM).best.name == name
    assert model.link(mention("old [ATAXIA]"), search=VERBATIM) == model.link(mention("old [ATAXIA]"))


def test_a_name_too_long_to_follow_its_mention_is_searched_for_like_others():
    model = random_model(byte_tokenizer())
    for less, is_first in ((0, False), (1, True)):
        # The prefix has one token more than the mention, and the name is followed by its end.
        name = " ".join(["q"] * (model.config.max_position_embeddings // 2 - less))
        model.set_knowledge_base(KnowledgeBase.from_concepts([*CONCEPTS, Concept("Q", (name,))]))
        whole = Mention(name, 0, len(name))
        for top_k in (1, 3):
            found = model.link(whole, top_k, search=VERBATIM)
            assert len(found.candidates) == top_k
            assert (found.best.name == name) == is_first


def test_answers_from_memory_are_those_of_the_search(model):
    expected = [
        [(one.name, one.concept_ids) for one in linked.candidates] for linked in model.link(MENTIONS, search=VERBATIM)
    ]
    model.answer_cache = AnswerCache()
    try:
        for hits in (5, 10):
            before = model.answer_cache.hits
            found = model.link([*MENTIONS, *MENTIONS], search=VERBATIM)
            assert [[(one.name, one.concept_ids) for one in linked.candidates] for linked in found] == expected * 2
            assert model.answer_cache.hits - before == hits
        # Those that spell a name are now scored, and the others searched for one name alone.
        for hits in (5, 10):
            before = model.answer_cache.hits
            found = model.link([*MENTIONS, *MENTIONS], top_k=1, search=VERBATIM)
            assert [linked.best.name for linked in found] == [own[0][0] for own in expected * 2]
            assert model.answer_cache.hits - before == hits
    finally:
        model.answer_cache = None


def test_what_is_remembered_stays_as_it_was_found(model):
    published = model.link(MENTIONS[0], 1, BeamSearch(1)), model.link(MENTIONS[0], 2, BeamSearch(2))
    names = {one.name for linked in published for one in linked.candidates}
    assert "Ataxia" not in names, "the beams do not lose the name, so that nothing is scored beside them"
    model.answer_cache = AnswerCache()
    try:
        for linked in model.link([MENTIONS[0], MENTIONS[0]], 2, VerbatimFirst(BeamSearch(2))):
            assert linked.best.name == "Ataxia"
            assert len({one.name for one in linked.candidates}) == 2
        assert model.link(MENTIONS[0], 2, BeamSearch(2)) == published[1]
        # Nor does it change with what a caller does to the lists.
        ids = model.processor.encode_mentions(MENTIONS[:1], None)
        find_names(model, *ids)[0].clear()
        assert find_names(model, *ids)[0]
    finally:
        model.answer_cache = None


def test_without_a_knowledge_base_the_search_says_what_is_missing():
    with pytest.raises(RuntimeError, match="no knowledge base to link to"):
        random_model(byte_tokenizer()).link(MENTIONS[0], search=VERBATIM)
