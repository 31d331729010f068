"""Records of large XML files, one at a time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from angel_hf.formats.source import Source

_BYTES_AT_ONCE = 1 << 16
# `Source` has made UTF-8 of UTF-16, so that a declaration which says so has become wrong.
_DECLARES_UTF16 = re.compile(rb"""\s*<\?xml[^>]*encoding\s*=\s*["']utf-?16[^>]*>""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class XmlRecord:
    """An element with all that is in it, and the line where it starts, counted from 1."""

    line: int
    element: ElementTree.Element


def xml_records(source: Source, tags: Collection[str]) -> Iterator[XmlRecord]:
    """The outermost elements of some tags, in order; what was read is freed, so that memory holds one record.

    Namespaces are left out of all tags. Declared encodings are heeded. Nothing outside of the file is read: neither a
    DTD nor an entity.

    Raises:
        ValueError: not well-formed XML, with the place.
    """
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("start", "end"))
    stream, line = source.stream(), 1
    opened: list[ElementTree.Element] = []
    started = 0
    record: ElementTree.Element | None = None
    while True:
        data = stream.readline(_BYTES_AT_ONCE)
        try:
            if data:
                parser.feed(_DECLARES_UTF16.sub(b"", data, count=1) if line == 1 and not opened else data)
            else:
                parser.close()
            events: list[Any] = list(parser.read_events())
        except (ElementTree.ParseError, LookupError) as error:
            raise ValueError(f"not well-formed XML: {error}; expected a whole XML file") from None
        for event, element in events:
            if event == "start":
                element.tag = element.tag.rpartition("}")[2]
                opened.append(element)
                if record is None and element.tag in tags:
                    record, started = element, line
                continue
            opened.pop()
            if record is not None and record is element:
                yield XmlRecord(started, record)
                record = None
            if record is None and opened:
                opened[-1].remove(element)
        if not data:
            return
        line += data.endswith(b"\n")


def text_of(element: ElementTree.Element, path: str) -> str:
    """All text below the first element of a path, its white space as single spaces; empty where there is none."""
    found = element.find(path)
    return "" if found is None else " ".join("".join(found.itertext()).split())


def texts_of(element: ElementTree.Element, path: str) -> list[str]:
    """The texts of all elements of a path that are not empty."""
    texts = (" ".join("".join(found.itertext()).split()) for found in element.iterfind(path))
    return [text for text in texts if text]
