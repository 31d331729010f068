from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from angel_hf import KnowledgeBase
from eval_harness.compare import compare_files, format_comparison
from eval_harness.prediction_file import write_predictions
from eval_harness.protocol import LENIENT
from eval_harness.significance import Interval, bootstrap_interval, mcnemar, paired_bootstrap
from eval_harness.task import Task
from tests.eval_harness.toy import COLD, COLOUR, Scripted, answer, example, origin


def write(knowledge_base: KnowledgeBase, path: Path, said: dict[str, list[str]], documents: int = 10) -> Path:
    examples = tuple(example(f"cold {number}", COLD, document_id=str(number % documents)) for number in range(10))
    task = Task(LENIENT, knowledge_base, examples, ())
    write_predictions(path, answer(Scripted(said), task, path.parent / path.stem), origin())
    return path


def test_two_files_that_differ_in_one_mention(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    said = {f"cold {number}": ["coryza"] for number in range(6)}
    first = write(knowledge_base, tmp_path / "a.parquet", said)
    second = write(knowledge_base, tmp_path / "b.parquet", said | {"cold 7": ["cold"]})
    (at_1,) = compare_files(first, second, ks=[1])
    assert (at_1.first, at_1.second, at_1.difference.difference) == (60.0, 70.0, pytest.approx(10.0))
    # One discordant pair: both outcomes are as extreme, 2 * (1/2) = 1.
    assert (at_1.mcnemar.only_first, at_1.mcnemar.only_second, at_1.mcnemar.p) == (0, 1, 1.0)
    # The mention is drawn Binomial(10, 1/10) times: 0 with p = .349 and at most 3 with p = .987, so that the
    # percentiles at 2.5 and 97.5 are 0 and 3 of 10. No draw has a difference below 0: p = 2 * .349.
    low, high = stats.binom.ppf([0.025, 0.975], 10, 0.1) * 10
    assert (
        at_1.difference.interval == Interval(pytest.approx(low), pytest.approx(high)) == Interval(0, pytest.approx(30))
    )
    assert at_1.difference.bootstrap_p == pytest.approx(2 * 0.9**10, abs=0.03)
    text = format_comparison([at_1], "a", "b", "document")
    assert "| 1 | 60.0 | 70.0 | +10.00 | +0.00 to +30.00 |" in text
    assert "10 mentions; bootstrap over 10 documents." in text


def test_documents_are_drawn_and_mentions_only_when_asked(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    examples = tuple(
        example(f"cold {number:02d}", COLD, document_id=str(number // 5)) for number in range(20)
    )  # four documents; of a document all mentions are right, or none
    task = Task(LENIENT, knowledge_base, examples, ())
    said = {f"cold {number:02d}": ["coryza"] for number in range(10)}
    # Every mention at a place of its own, as in a text.
    files = []
    for name, answers in (("none", {}), ("half", said)):
        predictions = answer(Scripted(answers), task, tmp_path / name)
        spread = [
            type(one)(**{field: getattr(one, field) for field in one.__slots__} | {"start": place, "end": place + 1})
            for place, one in enumerate(predictions)
        ]
        files.append(tmp_path / f"{name}.parquet")
        write_predictions(files[-1], spread, origin())
    (documents,) = compare_files(*files, ks=[1])
    (mentions,) = compare_files(*files, ks=[1], by_mention=True)
    assert (documents.difference.units, mentions.difference.units) == (4, 20)
    # Binomial(4, 1/2) documents against Binomial(20, 1/2) mentions.
    assert documents.difference.interval == Interval(0, 100)
    assert mentions.difference.interval == Interval(pytest.approx(30), pytest.approx(70))


def test_the_interval_of_one_system_is_that_of_a_binomial() -> None:
    hits = [True] * 60 + [False] * 40
    found = bootstrap_interval(hits, list(range(100)))
    assert found is not None
    low, high = stats.binom.ppf([0.025, 0.975], 100, 0.6)
    assert (found.low, found.high) == (pytest.approx(low, abs=1), pytest.approx(high, abs=1))
    assert bootstrap_interval(hits, list(range(100))) == found
    assert bootstrap_interval(hits, [0] * 100) is None
    with pytest.raises(ValueError, match="1 document; expected two or more"):
        paired_bootstrap(hits, hits, [0] * 100)


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (1, 5), (12, 4), (30, 31)])
def test_statsmodels_agrees_with_mcnemar(only_first: int, only_second: int) -> None:
    first = [True] * only_first + [False] * only_second + [True] * 7 + [False] * 9
    second = [False] * only_first + [True] * only_second + [True] * 7 + [False] * 9
    table = np.array([[7, only_first], [only_second, 9]])
    expected = statsmodels_mcnemar(table, exact=True).pvalue
    assert mcnemar(first, second).p == pytest.approx(expected)


def test_files_about_other_mentions_do_not_compare(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    first = write(knowledge_base, tmp_path / "a.parquet", {})
    other = tmp_path / "other.parquet"
    task = Task(LENIENT, knowledge_base, (example("fog", COLOUR, document_id="77"),), ())
    write_predictions(other, answer(Scripted({}), task, tmp_path / "c"), origin())
    with pytest.raises(ValueError, match="are not about the same mentions: 11 are in one only"):
        compare_files(first, other)
    twice = write(knowledge_base, tmp_path / "twice.parquet", {}, documents=5)
    with pytest.raises(ValueError, match="a mention comes twice"):
        compare_files(twice, twice)
