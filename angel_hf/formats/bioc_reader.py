"""BioC, the exchange format of PubTator and others, as XML and as JSON.

Read are the texts and their annotations: document id; offset, type and text of every passage (of its sentences, where a
passage has no text of its own); type, identifier and place of every annotation. The format: Comeau et al., "BioC: a
minimalist approach to interoperability for biomedical text processing", Database 2013. JSON comes in four shapes: a
collection, a list of collections (PMC's service), `{"PubTator3": [...]}` (PubTator's), and a document a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from angel_hf.formats.document import Annotation, Document
from angel_hf.formats.passages import Passage, assemble
from angel_hf.formats.reading import Reading
from angel_hf.formats.record_lines import read_each
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.xml_records import local_name, records_of, text_of

_MOST_DIGITS = 12  # of an offset; a longer number is none
_IDENTIFIER_KEYS = ("identifier", "conceptid", "concept_id", "mesh", "omim", "umls", "ncbi gene", "id")
_EXPECTED = "expected a BioC collection: documents of passages with offset and text"
_MOST_SHOWN = 200


def read_bioc(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """The documents of a file; the first character distinguishes XML from JSON.

    A document that cannot be read is rejected whole; before a document come its annotations that had to be left out.
    """
    found = 0
    for item in _read_xml(source, reading) if source.head().lstrip()[:1] == "<" else _read_json(source, reading):
        found += 1
        yield item
    if not found:
        yield Rejected(0, f"holds no document; {_EXPECTED}", is_rest=True)


def _read_xml(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    try:
        for element in records_of(source, ("document",), roots=("collection", "document")):
            yield from _documents(0, lambda element=element: _of_xml(element), reading, "")
    except ParseError as error:
        raise ValueError(f"not XML ({error}); {_EXPECTED}") from None


def _documents(line: int, parse: Any, reading: Reading, raw: str) -> Iterator[Document | Rejected]:
    """What a parsed document holds: itself, after the annotations that do not fit it."""
    name = "?"
    try:
        name, passages, unusable = parse()
        assembled = assemble(name, passages, reading.mentions)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        cause = f"no {error}" if isinstance(error, KeyError) else str(error)
        yield Rejected(line, f"document {name}: {cause}; {_EXPECTED}"[:600], raw[:_MOST_SHOWN])
        return
    for cause in [*unusable, *assembled.left_out] if reading.mentions else ():
        yield Rejected(line, f"annotation of document {name} left out: {cause}")
    document = assembled.document
    yield Document(name, document.text, document.sections, document.annotations, line=line, raw=raw)


_Parsed = tuple[str, list[Passage], list[str]]


def _of_xml(element: Element) -> _Parsed:
    document_id = next((text_of(child) for child in element if local_name(child) == "id"), "").strip()
    passages: list[Passage] = []
    unusable: list[str] = []
    for number, passage in enumerate(_children(element, "passage"), start=1):
        where = f"document {document_id}, passage {number}"
        infons = _infons(passage)
        has_text = any(True for _ in _children(passage, "text"))
        parts = [passage] if has_text else list(_children(passage, "sentence"))
        for part in parts:
            offset = next((text_of(child) for child in _children(part, "offset")), None)
            text = next((text_of(child) for child in _children(part, "text")), "")
            annotations = [_xml_annotation(one, unusable) for one in _annotations_under(part, passage, has_text)]
            kept = tuple(one for one in annotations if one is not None)
            passages.append(Passage(_offset(offset, where), infons.get("type", "passage"), text, kept))
    return document_id, passages, unusable


def _annotations_under(part: Element, passage: Element, has_text: bool) -> Iterator[Element]:
    """The annotations of a passage, those of its sentences included, or of one sentence."""
    yield from _children(part, "annotation")
    if has_text:
        for sentence in _children(passage, "sentence"):
            yield from _children(sentence, "annotation")


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if local_name(child) == name)


def _infons(element: Element) -> dict[str, str]:
    return {infon.get("key", ""): text_of(infon) for infon in _children(element, "infon")}


def _xml_annotation(element: Element, unusable: list[str]) -> Annotation | None:
    surface = next((text_of(child) for child in _children(element, "text")), "")
    places = [(location.get("offset"), location.get("length")) for location in _children(element, "location")]
    return _annotation(_infons(element), places, surface, unusable)


def _annotation(
    infons: Mapping[str, Any], places: list[tuple[Any, Any]], surface: str, unusable: list[str]
) -> Annotation | None:
    if len(places) != 1:
        what = f"{len(places)} locations" if places else "no location"
        unusable.append(f"{surface!r:.60} has {what}; expected one, of offset and length")
        return None
    try:
        start, length = (_offset(value, f"annotation {surface!r:.60}") for value in places[0])
    except ValueError as error:
        unusable.append(str(error))
        return None
    if start is None or length is None:
        unusable.append(f"{surface!r:.60} has a location without offset or length")
        return None
    return Annotation(start, start + length, surface, str(infons.get("type") or ""), _identifier(infons))


def _identifier(infons: Mapping[str, Any]) -> str | None:
    lowered = {str(key).casefold(): value for key, value in infons.items()}
    return next((str(lowered[key]) for key in _IDENTIFIER_KEYS if lowered.get(key) not in (None, "")), None)


def _offset(value: Any, where: str) -> int | None:
    """A number of characters; None where there is none.

    Raises:
        ValueError: not a number that an offset can have.
    """
    if value is None or value == "":
        return None
    text = str(value).strip()
    if isinstance(value, (bool, float)) or not (text.isascii() and text.isdecimal()) or len(text) > _MOST_DIGITS:
        raise ValueError(f"{where}: offset {text:.40}; expected a number of characters")
    return int(text)


def _read_json(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    first = source.head().lstrip().partition("\n")[0]
    if _is_document_line(first):
        yield from _read_json_lines(source, reading)
        return
    try:
        value = json.loads(source.text())
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: not JSON ({error}); {_EXPECTED}") from None
    for document in _json_documents(value):
        yield from _documents(0, lambda document=document: _of_json(document), reading, "")


def _is_document_line(line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "passages" in value


def _read_json_lines(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    for item in read_each(source.lines(), lambda line: (line, json.loads(line.text))):
        if isinstance(item, Rejected):
            yield item
            continue
        line, value = item
        yield from _documents(line.number, lambda value=value: _of_json(value), reading, line.text)


def _json_documents(value: Any) -> Iterator[Any]:
    """The documents of the shapes in which BioC JSON comes."""
    if isinstance(value, dict):
        for key in ("documents", "PubTator3"):
            if isinstance(value.get(key), list):
                yield from value[key]
                return
        if "passages" in value:
            yield value
            return
        shown = ", ".join(map(repr, list(value)[:8])) or "(none)"
        raise ValueError(f"a JSON object with the keys {shown:.200}; {_EXPECTED}")
    if not isinstance(value, list):
        raise ValueError(f"a JSON {type(value).__name__}; {_EXPECTED}")
    for one in value:
        if isinstance(one, (dict, list)):
            yield from _json_documents(one)
        else:
            raise ValueError(f"a list of {type(one).__name__}; {_EXPECTED}")


def _of_json(document: Any) -> _Parsed:
    if not isinstance(document, dict):
        raise ValueError(f"a JSON {type(document).__name__}")
    given = document.get("id", document.get("pmid"))
    document_id = "" if given is None else str(given)
    passages: list[Passage] = []
    unusable: list[str] = []
    for number, passage in enumerate(document["passages"], start=1):
        where = f"document {document_id}, passage {number}"
        kind = str((passage.get("infons") or {}).get("type") or "passage")
        has_text = passage.get("text") is not None
        for part in [passage] if has_text else passage.get("sentences") or ():
            text = part.get("text", "")
            if not isinstance(text, str):
                raise ValueError(f"{where}: text is {text!r:.60}; expected a string")
            given_annotations = list(part.get("annotations") or ())
            if has_text:
                given_annotations += [
                    one for sentence in part.get("sentences") or () for one in sentence.get("annotations") or ()
                ]
            found = [_json_annotation(one, unusable) for one in given_annotations]
            kept = tuple(one for one in found if one is not None)
            passages.append(Passage(_offset(part.get("offset"), where), kind, text, kept))
    return document_id, passages, unusable


def _json_annotation(annotation: Any, unusable: list[str]) -> Annotation | None:
    places = [(place.get("offset"), place.get("length")) for place in annotation.get("locations") or ()]
    return _annotation(annotation.get("infons") or {}, places, str(annotation.get("text") or ""), unusable)
