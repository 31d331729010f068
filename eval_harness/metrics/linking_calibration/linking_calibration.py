"""Expected calibration error and area under the risk-coverage curve of answers with confidences."""

import datasets
import evaluate

from .confidence import area_under_risk_coverage, expected_calibration_error

_DESCRIPTION = """\
Scores confidences: expected calibration error over bins of equal width, and the area under the risk-coverage curve
(the mean, over all n, of the error among the n surest answers). A mention without an answer is a wrong one at
confidence 0.
"""

_KWARGS = """\
Args:
    predictions: confidence of each answer, 0 to 1.
    references: whether it is right, 1 or 0.
    bins: number of bins.
Returns (both in percent):
    expected_calibration_error, area_under_risk_coverage.
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS)
class LinkingCalibration(evaluate.Metric):
    """Metrics of confidences."""

    def _info(self) -> evaluate.MetricInfo:
        features = {"predictions": datasets.Value("float64"), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_KWARGS,
            features=datasets.Features(features),
        )

    def _compute(self, predictions, references, bins=10):  # type: ignore[no-untyped-def]  # as evaluate has it
        right = [bool(reference) for reference in references]
        return {
            "expected_calibration_error": expected_calibration_error(predictions, right, bins),
            "area_under_risk_coverage": area_under_risk_coverage(predictions, right),
        }
