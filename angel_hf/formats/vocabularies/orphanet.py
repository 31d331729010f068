"""Orphanet's nomenclature of rare diseases with cross-references: `en_product1.xml` of Orphadata, in any language."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.names import distinct_names, is_number
from angel_hf.formats.vocabularies.xml_records import text_of, texts_of, xml_records
from angel_hf.types import Concept

_PREFIX = "ORPHA:"
# Orphanet marks both in the name itself.
_OBSOLETE = "OBSOLETE:"
_NOT_RARE = "NON RARE IN EUROPE:"


def read(source: Source) -> Iterator[Term | Retired | Rejected]:
    """Stream the disorders, with ids `ORPHA:558`.

    The kind of disorder ("Disease", "Malformation syndrome") is the semantic type. Cross-references are the exact
    mappings, and those of which nothing is said. A disorder whose name starts with
    `OBSOLETE:` is retired; its successors are those that it was moved or referred to.

    Raises:
        ValueError: not well-formed XML, with the place.
    """
    for record in xml_records(source, ("Disorder",)):
        disorder = record.element
        code, name = text_of(disorder, "OrphaCode") or text_of(disorder, "OrphaNumber"), text_of(disorder, "Name")
        if not is_number(code) or not name:
            lacking = "a Name" if is_number(code) else "an OrphaCode of digits"
            yield Rejected(record.line, f"a Disorder {code or name!r} without {lacking}; expected one")
        elif name.upper().startswith(_OBSOLETE):
            targets = texts_of(disorder, ".//TargetDisorder/OrphaCode")
            yield Retired(_PREFIX + code, tuple(dict.fromkeys(_PREFIX + one for one in targets if one != code)))
        else:
            yield _term(disorder, code, name)


def _term(disorder: Element, code: str, name: str) -> Term:
    if name.upper().startswith(_NOT_RARE):
        name = name[len(_NOT_RARE) :]
    # A mapping to a broader or narrower code is no cross-reference: `NTBT (ORPHA code's Narrower Term ...)`.
    references = (
        f"{text_of(one, 'Source')}:{text_of(one, 'Reference')}"
        for one in disorder.iterfind("ExternalReferenceList/ExternalReference")
        if text_of(one, "Source")
        and text_of(one, "Reference")
        and text_of(one, "DisorderMappingRelation/Name").partition(" ")[0] in ("", "E")
    )
    definition = text_of(disorder, "SummaryInformationList/SummaryInformation/TextSectionList/TextSection/Contents")
    return Term(
        Concept(
            _PREFIX + code,
            distinct_names((name, *texts_of(disorder, "SynonymList/Synonym"))),
            semantic_types=tuple(texts_of(disorder, "DisorderType/Name")[:1]),
        ),
        tuple(dict.fromkeys(references)),
        definition,
    )
