"""Accuracy of entity linking relaxed along an ontology's hierarchy."""

import datasets
import evaluate

from .relations import RELATIONS, relation

_DESCRIPTION = """\
Scores how near the answers of entity linking are: the share that is exact, the parent, a child or a sibling of a right
concept, and accuracy with these counted as right. A mention without an answer is wrong.
"""

_KWARGS = """\
Args:
    predictions: for each mention the concept ids of its first candidate; [] for no answer.
    references: for each mention its gold concept ids.
    parents: the parents of every concept that has any, {id: [id, ...]}.
Returns (all in percent):
    exact, parent, child, sibling, none: shares of mentions, which sum to 100.
    relaxed_accuracy: all but `none`.
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS)
class LinkingHierarchy(evaluate.Metric):
    """Metrics relaxed along a hierarchy."""

    def _info(self) -> evaluate.MetricInfo:
        ids = datasets.Sequence(datasets.Value("string"))
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_KWARGS,
            features=datasets.Features({"predictions": ids, "references": ids}),
        )

    def _compute(self, predictions, references, parents):  # type: ignore[no-untyped-def]  # as evaluate has it
        found = [relation(answer, gold, parents) for answer, gold in zip(predictions, references)]
        shares = {name: 100 * found.count(name) / len(found) for name in RELATIONS}
        return shares | {"relaxed_accuracy": 100 - shares["none"]}
