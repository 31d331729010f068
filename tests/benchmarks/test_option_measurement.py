"""Options are compared on the same mentions, chosen on one split and reported on another."""

import pytest

from angel_hf import KnowledgeBase
from angel_hf.search import BestFirstSearch
from benchmarks.option_measurement import Option, Outcome, measure
from benchmarks.search_options import options_for, recommend
from benchmarks.timing import Ratio
from eval_harness.example import Example
from eval_harness.protocol import STRICT
from eval_harness.significance import Difference, Interval
from eval_harness.task import Task
from tests.toy import CONCEPTS, byte_tokenizer, mention, random_model

TEXTS = ("the old [ataxia] gene", "a [t] of fever", "wilson [louis bar]", "[ataxia]")
OPTIONS = (
    Option("published"),
    Option("again"),
    Option("1 name", top_k=1),
    Option("whole trie", top_k=1, search=BestFirstSearch()),
    Option("alone", context_tokens=0, cached=True),
    Option("bfloat16", precision="bfloat16"),
)


@pytest.fixture(scope="module")
def outcomes():
    """The options on four mentions of two documents."""
    examples = tuple(
        Example(mention(text), (("D001259",),), document_id=str(place % 2)) for place, text in enumerate(TEXTS)
    )
    task = Task(STRICT, KnowledgeBase.from_concepts(CONCEPTS), examples, training=())
    found = measure(random_model(byte_tokenizer()), task, "dev", OPTIONS, progress=lambda line: None)
    return {outcome.option: outcome for outcome in found}


def test_the_published_search_loses_nothing_against_itself(outcomes):
    for name in ("published", "again", "1 name"):
        assert outcomes[name].difference.difference == 0
        assert outcomes[name].loses_nothing
        assert outcomes[name].accuracy_at_1 == outcomes["published"].accuracy_at_1
    assert outcomes["published"].overall_speed == 1
    assert outcomes["1 name"].accuracy_at_5 is None


def test_an_exact_search_tells_how_often_beams_miss_the_best_name(outcomes):
    proofs = outcomes["whole trie"].proofs
    assert proofs.proven == len(TEXTS)
    assert proofs.missed == proofs.missed_for_certain == 0  # ten beams see all of the few names
    assert proofs.most_expansions >= proofs.mean_expansions > 0
    assert outcomes["published"].proofs is None


def test_what_was_answered_from_memory_is_told(outcomes):
    # "ataxia" alone comes twice; every mention but it came once before, to warm up, of another number of names.
    assert outcomes["alone"].from_memory >= 1
    assert outcomes["published"].from_memory == 0


def outcome(option, split, speed, change, low, high):
    difference = Difference(100, 10, change, Interval(low, high), 1.0)
    ratio = Ratio(speed, speed, speed)
    return Outcome(option, split, 100, 10.0, speed, ratio, 80 + change, None, difference, 0, None, ())


def test_the_fastest_without_loss_is_chosen_on_the_development_set():
    found = [
        outcome("published", "dev", 1.0, 0, 0, 0),
        outcome("sure loss", "dev", 4.0, -3, -5, -1),
        outcome("perhaps a loss", "dev", 2.0, -2, -4, 0.5),
        outcome("half a point", "dev", 3.0, -0.5, -0.9, -0.1),
        outcome("better on test only", "test", 9.0, 1, 0, 2),
    ]
    assert recommend(found, most_loss=None) == "perhaps a loss"
    assert recommend(found, most_loss=1.0) == "half a point"


@pytest.mark.parametrize("precisions", [(), ("bfloat16",), ("int8",), ("bfloat16", "int8")])
def test_each_precision_is_measured_and_none_that_takes_longer_here_with_others(precisions):
    published, *departures = options_for(precisions)
    assert published == Option("published: 10 beams, 10 names")
    assert {one.name for one in departures if one.precision is not None and one.top_k == 10} == {"bfloat16", "int8"}
    assert len({one.name for one in departures}) == len(departures)
    # An option asks for what its name says.
    assert all((one.precision is not None) == one.name.startswith(("bfloat16", "int8")) for one in departures)
    assert all((one.top_k == 1) == ("1 name" in one.name) for one in departures)
    assert all(one.cached == one.name.endswith("from memory") for one in departures)
    joint = [one for one in departures if one.top_k == 1 and one.context_tokens is not None]
    assert len(joint) == 4 and {one.precision for one in joint} == {"bfloat16" if "bfloat16" in precisions else None}
