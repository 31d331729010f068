"""Records of XML vocabularies, and the texts within them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element, ParseError

from angel_hf.formats.source import Source
from angel_hf.formats.xml_records import XmlRecord, placed_records


def xml_records(source: Source, tags: Collection[str]) -> Iterator[XmlRecord]:
    """The outermost elements of some tags, one in memory at a time.

    Raises:
        ValueError: not well-formed XML, with the place.
    """
    try:
        yield from placed_records(source, tags)
    except (ParseError, LookupError) as error:
        raise ValueError(f"not well-formed XML: {error}; expected a whole XML file") from None


def text_of(element: Element, path: str) -> str:
    """All text below the first element of a path, its white space as single spaces; empty where there is none."""
    found = element.find(path)
    return "" if found is None else " ".join("".join(found.itertext()).split())


def texts_of(element: Element, path: str) -> list[str]:
    """The texts of all elements of a path that are not empty."""
    texts = (" ".join("".join(found.itertext()).split()) for found in element.iterfind(path))
    return [text for text in texts if text]
