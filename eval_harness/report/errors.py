"""Wrong answers, as the error browser of a report holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from eval_harness.prediction import Prediction
from eval_harness.result import Result
from eval_harness.slices import SLICES

_CONTEXT = 120  # characters on either side
_CANDIDATES = 5


def errors_as_json(pairs: Sequence[tuple[Result, Sequence[Prediction]]]) -> str:
    """The mentions that are not right at rank 1, of every result, as JSON that may stand inside a script element.

    Mentions are stored once; each result lists numbers of mentions with ranks and candidates.
    """
    numbers: dict[tuple[object, ...], int] = {}
    mentions: list[dict[str, Any]] = []
    sets = []
    for result, predictions in pairs:
        rows = []
        for one in _wrong_predictions(predictions):
            key = (one.key, one.gold_in_knowledge_base, str(one.flags))
            if key not in numbers:
                numbers[key] = len(mentions)
                mentions.append(_mention(one))
            shown = one.candidates[:_CANDIDATES]
            candidates = [[each.name, list(each.concept_ids), round(each.score, 4)] for each in shown]
            rows.append([numbers[key], one.rank or 0, candidates])
        sets.append({"label": f"{result.predictor}, {result.protocol.name}", "wrong": rows})
    text = json.dumps({"mentions": mentions, "sets": sets}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _wrong_predictions(predictions: Sequence[Prediction]) -> Iterator[Prediction]:
    return (one for one in predictions if one.rank != 1)


def _mention(prediction: Prediction) -> dict[str, Any]:
    names = dict(zip(prediction.gold_concepts, prediction.gold_names))
    tags = [f"{name}: {value}" for name, values_of in SLICES for value in values_of(prediction)]
    return {
        "where": f"{f'fold {prediction.fold}, ' if prediction.fold else ''}{prediction.document_id}:{prediction.start}",
        "left": prediction.left[-_CONTEXT:],
        "mention": prediction.mention,
        "right": prediction.right[:_CONTEXT],
        "released": prediction.released,
        "gold": [[[one, names[one]] for one in part] for part in prediction.gold_in_knowledge_base],
        "tags": tags,
    }
