"""OBO Graphs JSON, in which OBO Foundry publishes its ontologies (github.com/geneontology/obographs)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from angel_hf.formats.iris import compact
from angel_hf.formats.obo import scopes_of
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.types import Concept

HEEDED = ("synonyms",)
_SCOPES = {
    "hasExactSynonym": "EXACT",
    "hasRelatedSynonym": "RELATED",
    "hasNarrowSynonym": "NARROW",
    "hasBroadSynonym": "BROAD",
}
_REPLACED_BY = "http://purl.obolibrary.org/obo/IAO_0100001"
_CONSIDER = "http://www.geneontology.org/formats/oboInOwl#consider"
_ALTERNATIVE = "http://www.geneontology.org/formats/oboInOwl#hasAlternativeId"
_IS_A = ("is_a", "http://www.w3.org/2000/01/rdf-schema#subClassOf")
_EXPECTED = 'expected {"graphs": [{"nodes": [...], "edges": [...]}]}'


def read(source: Source, selection: Selection) -> Iterator[Term | Retired | Rejected]:
    """The classes of all graphs; names are the label and its exact synonyms, or those of the selected scopes.

    Raises:
        ValueError: not JSON, no graphs, or an unknown scope.
    """
    scopes = scopes_of(selection)
    try:
        value = json.loads(source.text())
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: not JSON ({error}); {_EXPECTED}") from None
    graphs = value.get("graphs") if isinstance(value, dict) else None
    if not isinstance(graphs, list):
        raise ValueError(f"no list of graphs; {_EXPECTED}")
    for graph in graphs:
        parents = _parents(graph.get("edges") or ())
        for number, node in enumerate(graph.get("nodes") or (), start=1):
            try:
                item = _item(node, parents, scopes)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                yield Rejected(0, f"node {number}: {error!r:.120}; expected id, lbl and meta", repr(node)[:1000])
                continue
            if item is not None:
                yield item


def _parents(edges: Any) -> dict[str, list[str]]:
    parents: dict[str, list[str]] = {}
    for edge in edges:
        if isinstance(edge, dict) and edge.get("pred") in _IS_A:
            parents.setdefault(str(edge.get("sub")), []).append(compact(str(edge.get("obj"))))
    return parents


def _item(node: dict[str, Any], parents: dict[str, list[str]], scopes: frozenset[str]) -> Term | Retired | None:
    """A class as a term or as retired; None for properties, individuals and what has no name."""
    if node.get("type") not in (None, "CLASS"):
        return None
    iri = node["id"]
    meta = node.get("meta") or {}
    values: dict[str, list[str]] = {}
    for one in meta.get("basicPropertyValues") or ():
        values.setdefault(one.get("pred"), []).append(compact(str(one.get("val"))))
    if meta.get("deprecated"):
        successors = values.get(_REPLACED_BY) or values.get(_CONSIDER) or ()
        return Retired(compact(iri), tuple(dict.fromkeys(successors)))
    label = node.get("lbl")
    if not label:
        return None
    synonyms = [one["val"] for one in meta.get("synonyms") or () if _SCOPES.get(one.get("pred")) in scopes]
    names = (" ".join(text.split()) for text in (label, *synonyms))
    concept = Concept(
        compact(iri),
        tuple(dict.fromkeys(name for name in names if name)),
        alternative_ids=tuple(dict.fromkeys(values.get(_ALTERNATIVE, ()))),
        parents=tuple(dict.fromkeys(parents.get(iri, ()))),
    )
    references = tuple(dict.fromkeys(one["val"] for one in meta.get("xrefs") or ()))
    definition = (meta.get("definition") or {}).get("val") or ""
    return Term(concept, references, definition)
