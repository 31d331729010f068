"""OBO Graphs JSON, the form of `hp.json` and `mondo.json` of the OBO Foundry: nodes, and edges between them.

https://github.com/geneontology/obographs: `{"graphs": [{"nodes": [{"id", "lbl", "type", "meta"}], "edges": [{"sub",
"pred", "obj"}]}]}`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from angel_hf.formats.iris import compact
from angel_hf.formats.json_text import JsonError, JsonText
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.synonym_scopes import HEEDED, chosen_scopes
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.types import Concept

__all__ = ["HEEDED", "is_obo_graphs", "read"]

_GRAPHS = re.compile(r'"graphs"\s*:\s*\[\s*(?:\{|\])')
_SCOPES = {
    "hasExactSynonym": "EXACT",
    "hasNarrowSynonym": "NARROW",
    "hasBroadSynonym": "BROAD",
    "hasRelatedSynonym": "RELATED",
}
_EXPECTED = 'expected a node {"id": ..., "lbl": ..., "meta": {...}}'
_REPLACED_BY, _CONSIDER = "IAO_0100001", "consider"
_MOST_SHOWN = 120

Records = Iterator[Term | Retired | Unnamed | Rejected]


def is_obo_graphs(_: Source, head: str) -> bool:
    """Whether JSON has graphs."""
    return head.lstrip().startswith("{") and _GRAPHS.search(head) is not None


def read(source: Source, selection: Selection = EVERYTHING) -> Records:
    """The classes of all graphs; identifiers become `PREFIX:LOCAL`, `is_a` edges parents.

    A node that cannot be read costs that node. Memory holds the text and the terms, not a tree of them.
    """
    scopes = chosen_scopes(selection)
    text = JsonText(source.text())
    try:
        for key in text.members():
            if key != "graphs":
                text.value()
                continue
            for _ in text.elements():
                yield from _graph(text, scopes)
        text.finish()
    except JsonError as error:
        yield Rejected(error.line, f"{error}; expected OBO Graphs JSON, whole", is_rest=True)


def _graph(text: JsonText, scopes: Collection[str]) -> Records:
    """A graph; its edges stand after its nodes."""
    terms: list[Term] = []
    parents: dict[str, dict[str, None]] = {}
    for key in text.members():
        if key not in ("nodes", "edges") or text.peek() != "[":
            text.value()
            continue
        for place, _ in enumerate(text.elements(), start=1):
            line, start = text.line, text.position
            item = text.value()
            try:
                if key == "edges":
                    _add_edge(item, parents)
                elif (record := _node(item, scopes)) is not None:
                    if isinstance(record, Term):
                        terms.append(record)
                    else:
                        yield record
            except ValueError as error:
                yield Rejected(line, f"{key[:-1]} {place}: {error}", text.text[start : text.position])
    for term in terms:
        own = parents.get(term.concept.concept_id)
        yield replace(term, concept=replace(term.concept, parents=tuple(own))) if own else term


def _add_edge(item: Any, parents: dict[str, dict[str, None]]) -> None:
    if not isinstance(item, dict):
        raise ValueError(f'is {_shown(item)}; expected {{"sub": ..., "pred": ..., "obj": ...}}')
    predicate, child, parent = (item.get(key) for key in ("pred", "sub", "obj"))
    if not (isinstance(predicate, str) and predicate.rsplit("#")[-1] in ("is_a", "subClassOf")):
        return
    if not (isinstance(child, str) and child and isinstance(parent, str) and parent):
        raise ValueError(f'is {_shown(item)}; expected {{"sub": ..., "pred": ..., "obj": ...}}')
    parents.setdefault(compact(child), {})[compact(parent)] = None


def _node(item: Any, scopes: Collection[str]) -> Term | Retired | Unnamed | None:
    """The term of a node; None for a property or an individual."""
    if not isinstance(item, dict):
        raise ValueError(f"is {_shown(item)}; {_EXPECTED}")
    concept_id, label = item.get("id"), item.get("lbl")
    if not isinstance(concept_id, str) or not concept_id.strip():
        raise ValueError(f"{_shown(item)} has no id; {_EXPECTED}")
    if item.get("type", "CLASS") not in ("CLASS", None):
        return None
    concept_id = compact(concept_id.strip())
    meta = item.get("meta") or {}
    if not isinstance(meta, dict) or not (label is None or isinstance(label, str)):
        raise ValueError(f"{_shown(item)}; {_EXPECTED}")
    properties = [(_local(one.get("pred")), _text(one)) for one in _objects(meta, "basicPropertyValues")]
    if meta.get("deprecated") is True:
        replaced = _identifiers(value for name, value in properties if name == _REPLACED_BY)
        considered = _identifiers(value for name, value in properties if name == _CONSIDER)
        return Retired(concept_id, replaced or considered, is_exact=bool(replaced))
    synonyms = [
        _text(one)
        for one in _objects(meta, "synonyms")
        if _SCOPES.get(_local(one.get("pred"))) in scopes and "obsolete_synonym" not in str(one.get("synonymType"))
    ]
    spelled = (" ".join(name.split()) for name in (label or "", *synonyms))
    names = tuple(dict.fromkeys(name for name in spelled if name))
    if not names:
        return Unnamed(concept_id)
    alternative = _identifiers(value for name, value in properties if name == "hasAlternativeId")
    references = tuple(dict.fromkeys(_text(one) for one in _objects(meta, "xrefs")))
    definition = meta.get("definition")
    return Term(
        Concept(concept_id, names, alternative), references, _text(definition) if isinstance(definition, dict) else ""
    )


def _objects(meta: dict[str, Any], key: str) -> list[dict[str, Any]]:
    values = meta.get(key) or []
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise ValueError(f"{key} is {_shown(values)}; expected a list of objects")
    return values


def _text(item: dict[str, Any]) -> str:
    value = item.get("val")
    if not isinstance(value, str):
        raise ValueError(f"{_shown(item)}; expected an object with a text `val`")
    return value


def _local(predicate: object) -> str:
    """The last part of an IRI, or of a predicate that is written short."""
    return re.split(r"[/#:]", predicate)[-1] if isinstance(predicate, str) else ""


def _identifiers(values: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(compact(value.strip()) for value in values if value.strip()))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
