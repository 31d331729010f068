"""Records of large XML files, one in memory at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from angel_hf.formats.source import Source

_BYTES_AT_ONCE = 1 << 16
MOST_DEPTH = 200
"""Elements within one another; documents of the field have some twenty, and deeper ones only attack."""


def records_of(source: Source, records: Collection[str], roots: Collection[str]) -> Iterator[Element]:
    """Each element of some names, freed when the next one is read.

    Namespaces do not matter. Neither a DTD nor an entity is fetched from anywhere.

    Args:
        source: XML.
        records: local names of the elements.
        roots: local names that the root may have.

    Raises:
        ValueError: another root, or elements nested too deeply.
        ElementTree.ParseError: not well formed.
    """
    stream: BinaryIO = source.stream()
    parser: Any = XMLPullParser(events=("start", "end"))
    open_elements: list[Element] = []
    while data := stream.read(_BYTES_AT_ONCE):
        parser.feed(data)
        for event, element in parser.read_events():
            if event == "start":
                if not open_elements and local_name(element) not in roots:
                    expected = " or ".join(f"<{name}>" for name in roots)
                    raise ValueError(f"its root is <{local_name(element)}>; expected {expected}")
                open_elements.append(element)
                if len(open_elements) > MOST_DEPTH:
                    raise ValueError(f"more than {MOST_DEPTH} elements within one another")
                continue
            open_elements.pop()
            if local_name(element) in records:
                yield element
                element.clear()
                if open_elements:
                    open_elements[-1].remove(element)
    parser.close()


def local_name(element: Element) -> str:
    """The name of an element without its namespace; empty for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def text_of(element: Element) -> str:
    """All text within an element, inline markup left out."""
    return "".join(element.itertext())


def root_name(head: str) -> str:
    """The local name of the root in the first characters of an XML file; empty where there is none."""
    parser: Any = XMLPullParser(events=("start",))
    try:
        parser.feed(head.encode("utf-8", errors="replace"))
        return next((local_name(element) for _, element in parser.read_events()), "")
    except ParseError:
        return ""
