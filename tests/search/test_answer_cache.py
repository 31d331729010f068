"""A question that comes again is answered as before, without a search."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model

from angel_hf.search.answer_cache import AnswerCache, packed_ids, weights_state


class Asked:
    """Answers a question by its length and notes what it was asked."""

    def __init__(self, questions):
        self.questions = questions
        self.searched = []

    def __call__(self, positions):
        self.searched += [self.questions[position] for position in positions]
        return [len(self.questions[position]) for position in positions]


def ask(cache, questions, state="weights"):
    search = Asked(questions)
    return cache.answer(state, questions, search), search.searched


def test_equal_questions_are_searched_for_once():
    cache = AnswerCache()
    assert ask(cache, ["aa", "b", "aa"]) == ([2, 1, 2], ["aa", "b"])
    assert ask(cache, ["b", "ccc"]) == ([1, 3], ["ccc"])
    assert (cache.hits, cache.misses) == (2, 3)


@settings(deadline=None)
@given(st.lists(st.lists(st.text("abc", max_size=3), max_size=8), max_size=6), st.integers(1, 4))
def test_answers_are_those_of_the_search_whatever_is_remembered(rounds, max_answers):
    cache = AnswerCache(max_answers)
    for questions in rounds:
        found, searched = ask(cache, questions)
        assert found == [len(question) for question in questions]
        assert len(searched) == len(set(searched))
        assert len(cache) <= max_answers


def test_what_was_not_asked_for_the_longest_time_goes_first():
    cache = AnswerCache(max_answers=2)
    ask(cache, ["a", "b"])
    ask(cache, ["a"])
    ask(cache, ["c"])
    assert ask(cache, ["a", "b"])[1] == ["b"]


def test_other_weights_forget_all_answers():
    cache = AnswerCache()
    ask(cache, ["a"], state=1)
    assert ask(cache, ["a"], state=2)[1] == ["a"]


def test_clear_forgets():
    cache = AnswerCache()
    ask(cache, ["a"])
    cache.clear()
    assert ask(cache, ["a"])[1] == ["a"]


def test_a_copy_starts_empty():
    cache = AnswerCache(max_answers=7)
    ask(cache, ["a"])
    copied = copy.deepcopy(cache)
    assert (copied.max_answers, len(copied)) == (7, 0)
    assert len(cache) == 1


def test_a_cache_that_could_hold_nothing_is_refused():
    with pytest.raises(ValueError, match="max_answers=0; expected 1 or more, or no cache"):
        AnswerCache(0)


def test_ids_are_told_apart_by_value_and_place():
    assert packed_ids([1, 2]) == packed_ids((1, 2))
    assert len({packed_ids(ids) for ids in ([], [0], [1], [1, 2], [2, 1], [258])}) == 6


def test_every_way_to_change_weights_changes_their_state():
    layer = torch.nn.Linear(2, 2)
    states = [weights_state(layer)]
    assert weights_state(layer) == states[0]
    with torch.no_grad():
        layer.weight.add_(1)
    states.append(weights_state(layer))
    layer.load_state_dict(torch.nn.Linear(2, 2).state_dict())
    states.append(weights_state(layer))
    layer.weight = torch.nn.Parameter(layer.weight.clone())
    states.append(weights_state(layer))
    layer.weight.data.mul_(2)  # which no version counter sees
    states.append(weights_state(layer))
    layer.double()
    states.append(weights_state(layer))
    layer.register_buffer("scores", torch.zeros(2))
    states.append(weights_state(layer))
    layer.scores.add_(1)
    states.append(weights_state(layer))
    with torch.autocast("cpu"):
        states.append(weights_state(layer))
    assert len(set(states)) == len(states)


def test_every_way_to_change_adapters_changes_the_state():
    """For inference: no parameter is to be trained before or after."""
    config = LoraConfig(r=2, target_modules=["0"], init_lora_weights=False, inference_mode=True)
    adapted = get_peft_model(torch.nn.Sequential(torch.nn.Linear(2, 2)), config)
    adapted.add_adapter("other", config)
    states = [weights_state(adapted)]
    assert weights_state(adapted) == states[0]
    with adapted.disable_adapter():
        states.append(weights_state(adapted))
    adapted.set_adapter("other", inference_mode=True)
    states.append(weights_state(adapted))
    adapted.base_model.model[0].set_scale("other", 3)
    states.append(weights_state(adapted))
    assert len(set(states)) == len(states)
