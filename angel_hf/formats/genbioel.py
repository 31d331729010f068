"""GenBioEL's `target_kb.json`: one JSON object, `{concept_id: [name, ...]}`, normalised already."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from angel_hf.formats.compression import open_bytes
from angel_hf.types import Concept


def read_genbioel(path: str | os.PathLike[str]) -> Iterator[Concept]:
    """Yield the concepts of a target_kb.json, `.gz` included, in the file's order; the first name is the preferred one.

    Raises:
        ValueError: not a whole gzip file, not UTF-8, not JSON, or not an object of lists of names; the error names the
            file and the line, or the concept with its place in the file.
    """
    name = os.fspath(path)
    try:
        with open_bytes(path) as stream:
            # Pairs instead of a dict, which would drop repeated concepts.
            pairs = json.loads(stream.read().decode("utf-8"), object_pairs_hook=_Pairs)
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: not UTF-8 ({error}); expected a UTF-8 text file") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{name}:{error.lineno}: not JSON ({error}); expected {{concept_id: [name, ...]}}") from None
    if not isinstance(pairs, _Pairs):
        raise ValueError(f"{name}: a JSON {type(pairs).__name__}; expected an object {{concept_id: [name, ...]}}")
    for place, (concept_id, names) in enumerate(pairs, start=1):
        if isinstance(names, _Pairs) or not isinstance(names, list):
            raise ValueError(f"{name}: concept {place}, {concept_id!r}, has {_shown(names)}; expected a list of names")
        for position, value in enumerate(names, start=1):
            if not isinstance(value, str) or not value.strip():
                raise ValueError(
                    f"{name}: concept {place}, {concept_id!r}: its name {position} is {_shown(value)}; expected text"
                )
        if not names:
            raise ValueError(f"{name}: concept {place}, {concept_id!r}, has no names; expected at least one")
        yield Concept(concept_id, tuple(names))


class _Pairs(list[tuple[str, object]]):
    """The members of a JSON object, in order, repeated keys included."""


def _shown(value: object, limit: int = 120) -> str:
    text = repr(dict(value) if isinstance(value, _Pairs) else value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
