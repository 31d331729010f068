"""GenBioEL's `target_kb.json`: one JSON object, `{concept_id: [name, ...]}`, normalised already."""

from __future__ import annotations

import json
from collections.abc import Iterator

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.types import Concept

_EXPECTED = "expected {concept_id: [name, ...]}"


def read(source: Source) -> Iterator[Term | Rejected]:
    """The concepts in the file's order; the first name is the preferred one. A key that comes again adds its names.

    Raises:
        ValueError: not JSON, or not an object.
    """
    text = source.text()
    try:
        # Pairs instead of a dict, which would drop repeated concepts.
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: not JSON ({error}); {_EXPECTED}") from None
    if not isinstance(pairs, _Pairs):
        raise ValueError(f"a JSON {type(pairs).__name__}; {_EXPECTED}")
    if any(key == "terms" and isinstance(value, list) and value for key, value in pairs) and len(pairs) < 4:
        raise ValueError(
            'an object with the key "terms"; expected the list of terms itself, or {concept_id: [name, ...]}'
        )
    for place, (concept_id, names) in enumerate(pairs, start=1):
        if not isinstance(names, list) or isinstance(names, _Pairs):
            cause = f"concept {place}, {concept_id!r:.60}, has {_shown(names)}; expected a list of names"
            yield Rejected(0, cause, json.dumps({concept_id: None}))
        elif not names:
            yield Rejected(0, f"concept {place}, {concept_id!r:.60}, has no names; expected at least one")
        else:
            yield Term(Concept(concept_id, tuple(names)))


class _Pairs(list[tuple[str, object]]):
    """The members of a JSON object, in order, repeated keys included."""


def _shown(value: object, limit: int = 120) -> str:
    text = repr(dict(value) if isinstance(value, _Pairs) else value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
