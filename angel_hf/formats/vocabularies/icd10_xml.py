"""ICD-10 in XML: CDC's tabular list of ICD-10-CM, and WHO's and its translators' ClaML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier
from angel_hf.formats.vocabularies.xml_records import text_of, texts_of, xml_records
from angel_hf.types import Concept

# `Intestinal infectious diseases (A00-A09)`
_RANGE = re.compile(r"\s*\([A-Z]\d\w(?:-[A-Z]\d\w)?\)$")


def read_tabular(source: Source) -> Iterator[Term | Rejected]:
    """Stream the codes of `icd10cm_tabular_2026.xml`; inclusion terms are further names.

    A section, `A00-A09`, is a concept, too, and the parent of its categories. Codes that a seventh character completes
    stand without it.

    Raises:
        ValueError: not well-formed XML, with the place.
    """
    for record in xml_records(source, ("section",)):
        section = record.element
        concept_id, name = section.get("id", ""), _RANGE.sub("", text_of(section, "desc"))
        if is_identifier(concept_id) and name:
            yield Term(Concept(concept_id, (name,)))
        else:
            yield Rejected(record.line, f"a section {concept_id or name!r} without id or desc; expected both")
        # Nested as deep as a code is long; a list, since hostile files nest deeper than Python does.
        pending = [(one, concept_id) for one in reversed(section.findall("diag"))]
        while pending:
            diagnosis, parent = pending.pop()
            code, name = text_of(diagnosis, "name"), text_of(diagnosis, "desc")
            if is_identifier(code) and name:
                names = distinct_names((name, *texts_of(diagnosis, "inclusionTerm/note")))
                parents = (parent,) if parent and parent != code else ()
                yield Term(Concept(code, names, parents=parents))
            else:
                yield Rejected(record.line, f"a diag {code or name!r} without name or desc, in section {concept_id}")
            pending += [(one, code or parent) for one in reversed(diagnosis.findall("diag"))]


def read_claml(source: Source) -> Iterator[Term | Rejected]:
    """Stream the classes of a ClaML file (EN 14463): chapters, blocks and categories; inclusions are further names.

    Raises:
        ValueError: not well-formed XML, with the place.
    """
    for record in xml_records(source, ("Class",)):
        element = record.element
        code = element.get("code", "").strip()
        preferred = _labels(element, ("preferred", "preferredLong"))
        if not is_identifier(code) or not preferred:
            yield Rejected(record.line, f"a Class {code!r} without code or preferred label; expected both")
            continue
        parents = (one.get("code", "").strip() for one in element.iterfind("SuperClass"))
        yield Term(
            Concept(
                code,
                distinct_names((*preferred, *_labels(element, ("inclusion",)))),
                parents=tuple(dict.fromkeys(one for one in parents if one)),
            ),
            definition=next(iter(_labels(element, ("definition",))), ""),
        )


def _labels(element: Element, kinds: tuple[str, ...]) -> list[str]:
    """The labels of some kinds of rubrics, without the codes that they refer to."""
    return [
        label
        for rubric in element.iterfind("Rubric")
        if rubric.get("kind") in kinds
        for one in rubric.iterfind("Label")
        if (label := " ".join(" ".join(_texts(one)).split()))
    ]


def _texts(label: Element) -> Iterator[str]:
    yield label.text or ""
    for part in label:
        if part.tag not in ("Reference", "Meta"):
            yield "".join(part.itertext())
        yield part.tail or ""
