"""Accuracy at k, mean reciprocal rank, mean average precision and macro accuracy of ranked concepts."""

import datasets
import evaluate

from .ranks import accuracy_at, accuracy_over_groups_at, average_precision, first_right, mean_reciprocal_rank

_DESCRIPTION = """\
Scores ranked candidates of entity linking. A candidate is a list of concept ids (a name may stand for several); it is
right when it shares one with the mention's gold concepts. A mention without candidates is wrong in every metric.
"""

_KWARGS = """\
Args:
    predictions: for each mention its candidates, best first, each a list of concept ids; [] for no answer.
    references: for each mention its gold concept ids.
    ks: ranks to report accuracy at.
Returns (all in percent):
    accuracy_at_K: share of mentions with a right candidate among the first K.
    mean_reciprocal_rank, mean_average_precision.
    macro_accuracy_at_1: mean over sets of gold concepts of the accuracy of their mentions.
Examples:
    >>> metric = evaluate.load("entity_linking")
    >>> metric.compute(predictions=[[["D1"]], [["D3"], ["D2"]], []], references=[["D1"], ["D2"], ["D9"]], ks=[1, 5])
    {'accuracy_at_1': 33.33, 'accuracy_at_5': 66.67, 'mean_reciprocal_rank': 50.0, ...}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS)
class EntityLinking(evaluate.Metric):
    """Metrics of ranked concepts."""

    def _info(self) -> evaluate.MetricInfo:
        ids = datasets.Value("string")
        features = {
            "predictions": datasets.Sequence(datasets.Sequence(ids)),
            "references": datasets.Sequence(ids),
        }
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_KWARGS,
            features=datasets.Features(features),
        )

    def _compute(self, predictions, references, ks=(1, 5, 10)):  # type: ignore[no-untyped-def]  # as evaluate has it
        ranks = [first_right(candidates, gold) for candidates, gold in zip(predictions, references)]
        precisions = [average_precision(candidates, gold) for candidates, gold in zip(predictions, references)]
        groups = [tuple(sorted(gold)) for gold in references]
        return {f"accuracy_at_{k}": accuracy_at(k, ranks) for k in ks} | {
            "mean_reciprocal_rank": mean_reciprocal_rank(ranks),
            "mean_average_precision": 100 * sum(precisions) / len(precisions),
            "macro_accuracy_at_1": accuracy_over_groups_at(1, ranks, groups),
        }
