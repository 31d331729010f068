import dataclasses
from pathlib import Path

import pytest

from angel_hf import Candidate, KnowledgeBase, Linked
from eval_harness.answering import answer_task, identify
from eval_harness.corpus import Corpus, open_corpus
from eval_harness.flags import flag_examples
from eval_harness.prediction_file import read_predictions, write_predictions
from eval_harness.predictors import CharacterTfidf, Memory
from eval_harness.protocol import ANGEL, LENIENT, STRICT, STRINGS
from eval_harness.result import summarise
from eval_harness.task import Task, prepare_task
from tests.eval_harness.conftest import FILES
from tests.eval_harness.toy import CHRONIC, COLD, COLOUR, Scripted, answer, evaluate, example, origin, toy_benchmark


def test_silence_about_3_of_10_mentions_scores_at_most_7_of_10(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    examples = [example(f"cold {number}", COLD, document_id=str(number)) for number in range(10)]
    silent_about_three = {f"cold {number}": ["coryza"] for number in range(7)}
    result, predictions = evaluate(silent_about_three, LENIENT, knowledge_base, examples, tmp_path)
    assert (result.mentions, result.unanswered) == (10, 3)
    assert set(result.accuracy_at.values()) == {70.0}
    assert set(result.distinct_accuracy_at.values()) == {70.0}
    for percent in (result.mean_reciprocal_rank, result.mean_average_precision, result.macro_accuracy_at_1):
        assert percent == pytest.approx(70)
    assert all(one.accuracy_at_1 <= 70 for one in result.slices if one.mentions == 10)
    # Of the surest 7 none is wrong, then 1 of 8, 2 of 9, 3 of 10.
    assert result.area_under_risk_coverage == pytest.approx(100 * (1 / 8 + 2 / 9 + 3 / 10) / 10)
    assert [one.mention for one in predictions] == [one.mention.surface for one in examples]


def test_numbers_of_a_task_counted_by_hand(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    examples = [
        example("a", COLD),  # first
        example("b", CHRONIC, COLOUR),  # second, through a part
        example("c", CHRONIC),  # first, through a shared name
        example("A", COLD),  # wrong
    ]
    answers = {
        "a": ["coryza"],
        "b": ["coryza", "daltonism"],
        "c": ["cold"],
        "A": ["daltonism", "color vision defects", "no name at all"],
    }
    result, predictions = evaluate(answers, LENIENT, knowledge_base, examples, tmp_path)
    assert [one.rank for one in predictions] == [1, 2, 1, None]
    assert (result.accuracy_at[1], result.accuracy_at[2], result.accuracy_at[10]) == (50.0, 75.0, 75.0)
    assert result.mean_reciprocal_rank == pytest.approx(100 * (1 + 1 / 2 + 1 + 0) / 4)
    # "b" needs two concepts and finds one of them at rank 2.
    assert result.mean_average_precision == pytest.approx(100 * (1 + (1 / 2) / 2 + 1 + 0) / 4)
    assert (result.concepts, result.macro_accuracy_at_1) == (3, pytest.approx(100 * (1 / 2 + 0 + 1) / 3))
    # "a" and "A" are one pair, right half of the time.
    assert result.distinct == 3
    assert result.distinct_accuracy_at[1] == pytest.approx(100 * (0.5 + 0 + 1) / 3)
    # One document: nothing to draw from.
    assert result.accuracy_at_1_interval is None

    strict, _ = evaluate(answers, STRICT, STRICT.knowledge_base(knowledge_base), examples, tmp_path)
    assert strict.accuracy_at[1] == 25.0
    assert strict.accuracy_at[10] == 25.0  # "b" never meets both parts


def test_answers_to_mentions_that_were_not_asked_are_refused(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    class Talkative(Scripted):
        def predict(self, mentions):  # type: ignore[no-untyped-def]
            yield Linked(example("something else", COLD).mention, (Candidate("cold", (COLD,), 0.0),))

    task = Task(LENIENT, knowledge_base, (example("cold", COLD),), ())
    with pytest.raises(ValueError, match=r"answered 1 mentions that it was not given, among them 'something else'"):
        answer(Talkative({}), task, tmp_path)


def test_a_broken_run_asks_only_what_was_not_answered(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    class Breaking(Scripted):
        def predict(self, mentions):  # type: ignore[no-untyped-def]
            if self.asked_about >= 2048:
                raise KeyboardInterrupt
            return super().predict(mentions)

    examples = tuple(example(f"cold {number}", COLD, document_id=str(number)) for number in range(2500))
    task = Task(LENIENT, knowledge_base, examples, ())
    answers = {one.mention.surface: ["cold"] for one in examples}
    with pytest.raises(KeyboardInterrupt):
        answer(Breaking(answers), task, tmp_path)
    again, lines = Scripted(answers), []
    found = answer_task(again, task, flag_examples(task), tmp_path / "parts", origin(), lines.append).predictions
    assert again.asked_about == 452
    assert lines == ["lenient, scripted: 2500 of 2500 mentions"]
    assert found == answer(Scripted(answers), task, tmp_path / "afresh")
    assert summarise(found, origin(), LENIENT).accuracy_at[1] == 100.0


def test_answers_of_another_origin_are_not_taken_over(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    task = Task(LENIENT, knowledge_base, (example("cold", COLD),), ())
    answer(Scripted({}), task, tmp_path)
    other = dataclasses.replace(origin(), identity="another")
    (found,) = answer_task(
        Scripted({"cold": ["cold"]}), task, flag_examples(task), tmp_path / "parts", other
    ).predictions
    assert found.rank == 1


def test_the_identity_of_a_run_tells_tasks_and_predictors_apart(corpus: Corpus) -> None:
    angel, strict = (prepare_task(corpus, "test", protocol) for protocol in (ANGEL, STRICT))
    identities = [
        identify(predictor, [task.fingerprint])
        for task in (angel, strict)
        for predictor in (Memory(), CharacterTfidf(), CharacterTfidf(top_k=3))
    ]
    assert len(set(identities)) == 6
    memory = Memory()
    memory.prepare(angel.knowledge_base, angel.training, angel.queries)
    assert identify(memory, [angel.fingerprint]) == identities[0]


def test_predictions_come_back_from_their_file_as_they_were(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    task = Task(ANGEL, knowledge_base, (example("cold", CHRONIC, COLOUR), example("fog")), (example("COLD", COLD),))
    predictions = answer(Scripted({"cold": ["coryza", "cold"]}), task, tmp_path)
    path = tmp_path / "predictions.parquet"
    write_predictions(path, predictions, origin())
    assert read_predictions(path) == predictions
    assert predictions[0].gold_names == ("color vision defects", "chronic obstructive lung disease")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"predictions\.parquet: not a whole Parquet file"):
        read_predictions(path)


def test_a_task_shows_a_predictor_only_what_its_protocol_allows(corpus: Corpus) -> None:
    angel = prepare_task(corpus, "test", ANGEL)
    assert angel.knowledge_base.find("nasal catarrh") is not None
    assert [one.mention.surface for one in angel.training][-1] == "nasal catarrh"
    strict = prepare_task(corpus, "test", STRICT)
    assert strict.knowledge_base.find("red-green blindness") is None
    assert len(strict.training) == 2


def test_strings_of_train_and_dev_are_names_whatever_was_published(corpus: Corpus, source: Path) -> None:
    benchmark = toy_benchmark({split: len(lines) for split, lines in FILES.items()}, published_names=())
    unpublished = open_corpus(benchmark, source, knowledge_base_files=[source.parent / "ontology.safetensors"])
    assert prepare_task(unpublished, "test", ANGEL).knowledge_base.find("nasal catarrh") is None
    strings = prepare_task(unpublished, "test", STRINGS)
    assert strings.knowledge_base.fingerprint == prepare_task(corpus, "test", ANGEL).knowledge_base.fingerprint
    assert len(strings.examples) == len(strings.queries) == 4
    assert prepare_task(corpus, "dev", STRINGS).knowledge_base.find("nasal catarrh") is None


def test_the_split_that_is_asked_is_not_in_the_knowledge_base(corpus: Corpus) -> None:
    task = prepare_task(corpus, "dev", ANGEL)
    assert task.knowledge_base.find("red-green blindness") is not None
    assert task.knowledge_base.find("nasal catarrh") is None
    assert len(task.training) == 2


def test_gold_that_the_knowledge_base_lacks_is_wrong_or_left_out(corpus: Corpus, tmp_path: Path) -> None:
    lenient = prepare_task(corpus, "test", LENIENT)
    predictions = answer(Scripted({}), lenient, tmp_path)
    assert summarise(predictions, origin(), LENIENT).gold_not_in_knowledge_base == 1
    angel = prepare_task(corpus, "test", ANGEL)
    assert [one.mention.surface for one in angel.left_out] == ["unheard of"]
    assert (len(angel.examples), len(angel.queries)) == (3, 4)
