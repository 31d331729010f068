"""OWL in RDF/XML, read as a stream of classes; other serialisations are left to tools such as ROBOT.

Names are rdfs:label, or SKOS's prefLabel or NCI Thesaurus's P108, and synonyms of OBO in OWL, SKOS (altLabel is exact)
and NCI Thesaurus (P90 is exact). A class without a name of its own is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from angel_hf.formats.iris import compact
from angel_hf.formats.obo import scopes_of
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.xml_records import local_name, records_of, text_of
from angel_hf.types import Concept

HEEDED = ("synonyms",)
ROOTS = ("RDF",)
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_LABELS = ("label", "prefLabel", "P108")
_SYNONYMS = {
    "hasExactSynonym": "EXACT",
    "hasRelatedSynonym": "RELATED",
    "hasNarrowSynonym": "NARROW",
    "hasBroadSynonym": "BROAD",
    "altLabel": "EXACT",
    "P90": "EXACT",
}
_SUCCESSORS = ("IAO_0100001", "consider")
_DEFINITIONS = ("IAO_0000115", "definition", "P97")
_REFERENCES = ("hasDbXref", "exactMatch")


def read(source: Source, selection: Selection) -> Iterator[Term | Retired | Rejected]:
    """The named classes of an ontology, one in memory at a time.

    Raises:
        ValueError: not RDF/XML, or an unknown scope.
    """
    scopes = scopes_of(selection)
    try:
        for element in records_of(source, ("Class", "Concept"), ROOTS):
            item = _item(element, scopes)
            if item is not None:
                yield item
    except ParseError as error:
        raise ValueError(f"not XML ({error}); expected OWL in RDF/XML") from None


def _item(element: Element, scopes: frozenset[str]) -> Term | Retired | None:
    iri = element.get(f"{_RDF}about") or ""
    if not iri:  # a restriction within another class
        return None
    values: dict[str, list[str]] = {}
    for child in element:
        name = local_name(child)
        language = child.get(_LANGUAGE, "en")
        value = child.get(f"{_RDF}resource") or " ".join(text_of(child).split())
        if value and language.lower().startswith("en"):
            values.setdefault(name, []).append(value)
    if values.get("deprecated", ["false"])[0].lower() in ("true", "1"):
        successors = next((values[name] for name in _SUCCESSORS if name in values), [])
        return Retired(compact(iri), tuple(dict.fromkeys(map(compact, successors))))
    label = next((values[name][0] for name in _LABELS if name in values), None)
    if label is None:
        return None
    synonyms = [text for name, scope in _SYNONYMS.items() if scope in scopes for text in values.get(name, ())]
    concept = Concept(
        compact(iri),
        tuple(dict.fromkeys([label, *synonyms])),
        alternative_ids=tuple(dict.fromkeys(values.get("hasAlternativeId", ()))),
        parents=tuple(dict.fromkeys(compact(one) for one in _parents(element))),
    )
    references = [compact(one) for name in _REFERENCES for one in values.get(name, ())]
    definition = next((values[name][0] for name in _DEFINITIONS if name in values), "")
    return Term(concept, tuple(dict.fromkeys(references)), definition)


def _parents(element: Element) -> Iterator[str]:
    """The named classes that this one is a subclass of."""
    for child in element:
        if local_name(child) in ("subClassOf", "broader"):
            resource = child.get(f"{_RDF}resource")
            if resource:
                yield resource
