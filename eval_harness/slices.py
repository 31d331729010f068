"""The parts of a benchmark that results are broken down into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from eval_harness.prediction import Prediction


def _yes_no(question: Callable[[Prediction], bool]) -> Callable[[Prediction], list[str]]:
    return lambda one: ["yes" if question(one) else "no"]


def _words(prediction: Prediction) -> list[str]:
    words = prediction.flags.words
    return [str(words) if words < 4 else "4 or more"]


def _abbreviation(prediction: Prediction) -> list[str]:
    known = prediction.flags.abbreviation
    return [] if known is None else ["yes" if known else "no"]


SLICES: tuple[tuple[str, Callable[[Prediction], list[str]]], ...] = (
    ("mention seen in training", _yes_no(lambda one: one.flags.seen_mention)),
    ("concept seen in training", _yes_no(lambda one: one.flags.seen_concept)),
    ("exact name in the knowledge base", _yes_no(lambda one: one.flags.exact_name)),
    ("name of several concepts", _yes_no(lambda one: one.flags.ambiguous_name)),
    ("concept in the knowledge base", _yes_no(lambda one: one.flags.in_knowledge_base)),
    ("composite mention", _yes_no(lambda one: one.flags.composite)),
    ("words", _words),
    ("abbreviation", _abbreviation),
    ("semantic type", lambda one: list(one.semantic_types)),
)
"""Names, and the values that a mention has; one mention may have several semantic types."""


def slice_predictions(predictions: Sequence[Prediction]) -> Iterator[tuple[str, str, list[Prediction]]]:
    """Name, value and mentions of every slice; values that all mentions share are left out."""
    for name, values_of in SLICES:
        groups: dict[str, list[Prediction]] = {}
        for prediction in predictions:
            for value in values_of(prediction):
                groups.setdefault(value, []).append(prediction)
        if len(groups) > 1:
            for value in sorted(groups):
                yield name, value, groups[value]
