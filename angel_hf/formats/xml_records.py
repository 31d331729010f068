"""Records of large XML files, one in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from angel_hf.formats.source import Source

_BYTES_AT_ONCE = 1 << 16
# `Source` has made UTF-8 of UTF-16, so that a declaration which says so has become wrong.
_DECLARES_UTF16 = re.compile(rb"""\s*<\?xml[^>]*encoding\s*=\s*["']utf-?16[^>]*>""", re.IGNORECASE)
MOST_DEPTH = 200
"""Elements within one another; documents of the field have some twenty, and deeper ones only attack."""


@dataclass(frozen=True, slots=True)
class XmlRecord:
    """An element with all that is in it, and the line where it starts, counted from 1."""

    line: int
    element: Element


def records_of(source: Source, records: Collection[str], roots: Collection[str]) -> Iterator[Element]:
    """The elements of `placed_records`."""
    return (record.element for record in placed_records(source, records, roots))


def placed_records(source: Source, records: Collection[str], roots: Collection[str] = ()) -> Iterator[XmlRecord]:
    """Each outermost element of some names, freed when the next one is read, as is all that stands between them.

    Namespaces are left out of all tags; declared encodings are heeded. Neither a DTD nor an entity is fetched from
    anywhere.

    Args:
        source: XML.
        records: local names of the elements.
        roots: local names that the root may have; any where none are given.

    Raises:
        ValueError: another root, or elements nested too deeply.
        ElementTree.ParseError: not well formed.
    """
    stream: BinaryIO = source.stream()
    parser: Any = XMLPullParser(events=("start", "end"))
    open_elements: list[Element] = []
    record: Element | None = None
    line = started = 1
    while data := stream.readline(_BYTES_AT_ONCE):
        # A declaration counts at the start of the file only.
        parser.feed(_DECLARES_UTF16.sub(b"", data, count=1) if line == 1 and not open_elements else data)
        for event, element in parser.read_events():
            if event == "start":
                element.tag = local_name(element)
                _check_start(element, open_elements, roots)
                open_elements.append(element)
                if record is None and element.tag in records:
                    record, started = element, line
                continue
            open_elements.pop()
            if record is not None and record is element:
                yield XmlRecord(started, record)
                record = None
            if record is None and open_elements:
                open_elements[-1].remove(element)
        line += data.endswith(b"\n")
    parser.close()


def _check_start(element: Element, open_elements: list[Element], roots: Collection[str]) -> None:
    if not open_elements and roots and element.tag not in roots:
        expected = " or ".join(f"<{name}>" for name in roots)
        raise ValueError(f"its root is <{element.tag}>; expected {expected}")
    if len(open_elements) >= MOST_DEPTH:
        raise ValueError(f"more than {MOST_DEPTH} elements within one another")


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
    except (ParseError, LookupError, ValueError):  # the latter two of an encoding that is unknown or not supported
        return ""
