"""MeSH XML: descriptors (`desc2026.xml`), supplementary concept records (`supp2026.xml`), qualifiers (`qual2026.xml`).

The elements are those of NLM's nlmdescriptorrecordset, nlmsupplementalrecordset and nlmqualifierrecordset DTDs.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.mesh_tree import TreeParents, registry_references
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier
from angel_hf.formats.vocabularies.xml_records import text_of, texts_of, xml_records
from angel_hf.types import Concept

_KINDS = {"DescriptorRecord": "Descriptor", "SupplementalRecord": "SupplementalRecord", "QualifierRecord": "Qualifier"}


def read(source: Source) -> Iterator[Term | Rejected]:
    """Stream the records of a file of MeSH XML.

    A record's name is the preferred one. The terms of all its concepts are its names, the preferred concept's first:
    MeSH takes narrower and related concepts of a record as entry terms of it. The parents of a supplementary record are
    the descriptors that it is mapped to, those of a descriptor or qualifier stand one step up its tree numbers; these
    come after all is read, since a parent may follow in the file. Definitions are the scope notes.

    Raises:
        ValueError: not well-formed XML, with the place.
    """
    placed = TreeParents()
    for record in xml_records(source, _KINDS):
        element, kind = record.element, _KINDS[record.element.tag]
        concept_id, name = text_of(element, f"{kind}UI"), text_of(element, f"{kind}Name/String")
        if not is_identifier(concept_id) or not name:
            lacking = f"{kind}UI" if name else f"{kind}Name/String"
            yield Rejected(record.line, f"a {element.tag} without {lacking} ({concept_id or name}); expected one")
            continue
        term = _term(element, concept_id, name)
        if element.tag == "SupplementalRecord":
            yield term
        else:
            placed.add(term, texts_of(element, "TreeNumberList/TreeNumber"))
    yield from placed.terms()


def _term(element: Element, concept_id: str, name: str) -> Term:
    concepts = sorted(element.iterfind("ConceptList/Concept"), key=lambda one: one.get("PreferredConceptYN") != "Y")
    names = distinct_names((name, *(text for one in concepts for text in texts_of(one, "TermList/Term/String"))))
    # An asterisk marks the descriptors that the record is mapped to as major topics.
    mapped = texts_of(element, "HeadingMappedToList/HeadingMappedTo/DescriptorReferredTo/DescriptorUI")
    types = [one for concept in concepts for one in texts_of(concept, "SemanticTypeList/SemanticType/SemanticTypeUI")]
    # Related numbers are those of other substances.
    paths = ("RegistryNumber", "RegistryNumberList/RegistryNumber")
    numbers = [number for concept in concepts[:1] for path in paths for number in texts_of(concept, path)]
    definition = next((note for concept in concepts[:1] if (note := text_of(concept, "ScopeNote"))), "")
    return Term(
        Concept(
            concept_id,
            names,
            semantic_types=tuple(dict.fromkeys(types)),
            parents=tuple(dict.fromkeys(one.lstrip("*") for one in mapped)),
        ),
        registry_references(numbers),
        definition or text_of(element, "Note"),
    )
