from pathlib import Path

import pytest

from angel_hf import Candidate, KnowledgeBase, Linked
from eval_harness.benchmark import Benchmark
from eval_harness.protocol import ANGEL, LENIENT, STRICT
from eval_harness.scoring import evaluate
from eval_harness.task import Task, prepare_task
from tests.eval_harness.toy import CHRONIC, COLD, COLOUR, Scripted, example


def test_silence_about_3_of_10_mentions_scores_at_most_7_of_10(knowledge_base: KnowledgeBase) -> None:
    examples = tuple(example(f"cold {number}", COLD) for number in range(10))
    task = Task(LENIENT, knowledge_base, examples, training=())
    silent_about_three = Scripted({f"cold {number}": ["coryza"] for number in range(7)})
    result, predictions = evaluate(silent_about_three, task)
    assert (result.mentions, result.unanswered) == (10, 3)
    assert set(result.accuracy_at.values()) == {70.0}
    assert set(result.distinct_accuracy_at.values()) == {70.0}
    assert [prediction.example for prediction in predictions] == list(examples)


def test_accuracies_of_a_task_counted_by_hand(knowledge_base: KnowledgeBase) -> None:
    examples = (
        example("a", COLD),  # first
        example("b", CHRONIC, COLOUR),  # second, through a part
        example("c", CHRONIC),  # first, through a shared name
        example("A", COLD),  # wrong
    )
    answers = {
        "a": ["coryza"],
        "b": ["coryza", "daltonism"],
        "c": ["cold"],
        "A": ["daltonism", "color vision defects", "no name at all"],
    }
    result, predictions = evaluate(Scripted(answers), Task(LENIENT, knowledge_base, examples, ()))
    assert [prediction.rank for prediction in predictions] == [1, 2, 1, None]
    assert (result.accuracy_at[1], result.accuracy_at[2], result.accuracy_at[10]) == (50.0, 75.0, 75.0)
    # "a" and "A" are one pair, right half of the time.
    assert result.distinct == 3
    assert result.distinct_accuracy_at[1] == pytest.approx(100 * (0.5 + 0 + 1) / 3)

    strict, _ = evaluate(Scripted(answers), Task(STRICT, STRICT.knowledge_base(knowledge_base, []), examples, ()))
    assert strict.accuracy_at[1] == 25.0


def test_answers_to_mentions_that_were_not_asked_are_refused(knowledge_base: KnowledgeBase) -> None:
    class Talkative(Scripted):
        def predict(self, mentions):  # type: ignore[no-untyped-def]
            yield Linked(example("something else", COLD).mention, (Candidate("cold", (COLD,), 0.0),))

    task = Task(LENIENT, knowledge_base, (example("cold", COLD),), ())
    with pytest.raises(ValueError, match=r"answered 1 mentions that it was not asked, among them 'something else'"):
        evaluate(Talkative({}), task)


def test_more_mentions_than_a_block_are_all_asked(knowledge_base: KnowledgeBase) -> None:
    examples = tuple(example(f"cold {number}", COLD) for number in range(1000))
    lines: list[str] = []
    result, _ = evaluate(
        Scripted({one.mention.surface: ["cold"] for one in examples}),
        Task(LENIENT, knowledge_base, examples, ()),
        lines.append,
    )
    assert result.accuracy_at[1] == 100.0
    assert lines[-1] == "lenient, scripted: 1000 of 1000 mentions"


def test_a_task_shows_a_predictor_only_what_its_protocol_allows(
    corpus: tuple[Benchmark, Path], knowledge_base: KnowledgeBase
) -> None:
    benchmark, source = corpus
    angel = prepare_task(benchmark, source, "test", knowledge_base, ANGEL)
    assert angel.knowledge_base.find("nasal catarrh") is not None
    assert [one.mention.surface for one in angel.training][-1] == "nasal catarrh"
    strict = prepare_task(benchmark, source, "test", knowledge_base, STRICT)
    assert strict.knowledge_base.find("red-green blindness") is None
    assert len(strict.training) == 2


def test_the_split_that_is_asked_is_not_in_the_knowledge_base(
    corpus: tuple[Benchmark, Path], knowledge_base: KnowledgeBase
) -> None:
    benchmark, source = corpus
    task = prepare_task(benchmark, source, "dev", knowledge_base, ANGEL)
    assert task.knowledge_base.find("red-green blindness") is not None
    assert task.knowledge_base.find("nasal catarrh") is None
    assert len(task.training) == 2


def test_gold_that_the_knowledge_base_lacks_is_counted(
    corpus: tuple[Benchmark, Path], knowledge_base: KnowledgeBase
) -> None:
    result, _ = evaluate(Scripted({}), prepare_task(*corpus, "test", knowledge_base, STRICT))
    assert (result.gold_not_in_knowledge_base, result.unanswered, result.accuracy_at[10]) == (1, 4, 0.0)
