"""The columns of a prediction file."""

from __future__ import annotations

import pyarrow as pa

_IDS = pa.list_(pa.string())
_CANDIDATE = pa.struct([("name", pa.string()), ("concept_ids", _IDS), ("score", pa.float64())])
_FLAGS = pa.struct(
    [
        ("seen_mention", pa.bool_()),
        ("seen_concept", pa.bool_()),
        ("exact_name", pa.bool_()),
        ("ambiguous_name", pa.bool_()),
        ("in_knowledge_base", pa.bool_()),
        ("composite", pa.bool_()),
        ("words", pa.int64()),
        ("abbreviation", pa.bool_()),
    ]
)
PREDICTION_SCHEMA = pa.schema(
    [
        ("fold", pa.string()),
        ("document_id", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("mention", pa.string()),
        ("released", pa.string()),
        ("left", pa.string()),
        ("right", pa.string()),
        ("semantic_types", _IDS),
        ("gold", pa.list_(_IDS)),
        ("gold_in_knowledge_base", pa.list_(_IDS)),
        ("gold_names", _IDS),
        ("flags", _FLAGS),
        ("candidates", pa.list_(_CANDIDATE)),
        ("rank", pa.int64()),
        ("average_precision", pa.float64()),
        ("confidence", pa.float64()),
    ]
)
"""One for each field of Prediction; `rank` is null where no candidate is right."""
