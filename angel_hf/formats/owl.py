"""OWL and SKOS in RDF/XML: classes with labels, synonyms, cross-references and parents, one in memory at a time.

OWL 2 in RDF/XML, https://www.w3.org/TR/owl2-mapping-to-rdf/, with the annotation properties of oboInOwl, SKOS and the
NCI Thesaurus. A library that builds the whole graph takes 10 to 100 times the memory for the few of them needed here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element

from angel_hf.formats.iris import compact
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.synonym_scopes import HEEDED as _SCOPES_HEEDED
from angel_hf.formats.synonym_scopes import chosen_scopes
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.formats.vocabularies.languages import two_letters
from angel_hf.formats.vocabularies.xml_records import xml_records
from angel_hf.types import Concept

HEEDED = (*_SCOPES_HEEDED, "languages")
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_ABOUT, _ID, _RESOURCE = f"{_RDF}about", f"{_RDF}ID", f"{_RDF}resource"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_TERMS = ("Class", "Concept")
_RECORDS = (*_TERMS, "Description")
# The first of these that a class has is its name: RDF Schema, SKOS, NCI Thesaurus.
_NAMES = ("label", "prefLabel", "P108")
_SYNONYMS = {
    "hasExactSynonym": "EXACT",
    "hasNarrowSynonym": "NARROW",
    "hasBroadSynonym": "BROAD",
    "hasRelatedSynonym": "RELATED",
    "hasSynonym": "RELATED",
    "altLabel": "EXACT",
    "prefLabel": "EXACT",
    "IAO_0000118": "EXACT",  # alternative label
    "P90": "EXACT",  # of the NCI Thesaurus: full synonym
    "P108": "EXACT",
}
_PARENTS = ("subClassOf", "broader")
_REFERENCES = ("hasDbXref", "exactMatch", "closeMatch")
_DEFINITIONS = ("IAO_0000115", "definition", "P97")


def read(source: Source, selection: Selection = EVERYTHING) -> Iterator[Term | Retired | Unnamed | Rejected]:
    """The classes and SKOS concepts of an RDF/XML file; classes without a name of their own are passed over.

    Names are those in the languages chosen, English and unmarked ones where none are; where a class has none of these,
    its first name of any language.
    """
    scopes = chosen_scopes(selection)
    languages = frozenset(two_letters(one) for one in selection.languages) or frozenset({"en"})
    for record in xml_records(source, _RECORDS):
        element = record.element
        if element.tag == "Description" and not _is_typed(element):
            continue
        iri = (element.get(_ABOUT) or element.get(_ID) or "").strip()
        if not iri:
            continue  # an expression without a name, such as a restriction
        yield _record(compact(iri), element, scopes, languages)


def _is_typed(element: Element) -> bool:
    types = (one.get(_RESOURCE, "") for one in element.iterfind("type"))
    return any(one.rpartition("#")[2] in _TERMS for one in types)


def _record(
    concept_id: str, element: Element, scopes: Collection[str], languages: Collection[str]
) -> Term | Retired | Unnamed:
    by_tag: dict[str, list[Element]] = {}
    for child in element:
        by_tag.setdefault(child.tag, []).append(child)

    def values(*tags: str) -> tuple[str, ...]:
        found = (_value(child) for tag in tags for child in by_tag.get(tag, ()))
        return tuple(dict.fromkeys(value for value in found if value))

    def identifiers(*tags: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(compact, values(*tags))))

    if any(value.lower() in ("true", "1") for value in values("deprecated")):
        replaced = identifiers("IAO_0100001", "replacedBy", "isReplacedBy")
        return Retired(concept_id, replaced or identifiers("consider"), is_exact=bool(replaced))
    named = [child for tag in _NAMES for child in by_tag.get(tag, ())]
    synonyms = [child for child in element if _SYNONYMS.get(child.tag) in scopes]
    names = _names(named, synonyms, languages)
    if not names:
        return Unnamed(concept_id)
    concept = Concept(concept_id, names, identifiers("hasAlternativeId"), parents=identifiers(*_PARENTS))
    return Term(concept, identifiers(*_REFERENCES), next(iter(values(*_DEFINITIONS)), ""))


def _names(named: list[Element], synonyms: list[Element], languages: Collection[str]) -> tuple[str, ...]:
    """The texts in some languages, the preferred name first: the first of `named`, then its other labels."""
    chosen = [child for child in named if _is_of(child, languages)]
    labels = chosen[:1] + [child for child in chosen[1:] if child.tag == "label"]
    spelled = [*labels, *(child for child in synonyms if _is_of(child, languages))] or [*named, *synonyms][:1]
    return tuple(dict.fromkeys(text for child in spelled if (text := _value(child))))


def _is_of(child: Element, languages: Collection[str]) -> bool:
    language = child.get(_LANGUAGE, "")
    return not language or language.lower().partition("-")[0] in languages or language.lower() in languages


def _value(child: Element) -> str:
    """The resource that a property names, or its text; empty for an expression."""
    resource = child.get(_RESOURCE)
    if resource is not None:
        return resource.strip()
    return "" if len(child) else " ".join((child.text or "").split())
