"""BioC, the exchange format of PubTator Central and others, as XML and as JSON.

Of a file only the texts are read: document id, and offset, type and text of every passage (of its sentences, where a
passage has no text of its own). The format: Comeau et al., "BioC: a minimalist approach to interoperability for
biomedical text processing", Database 2013.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, TextIO
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from angel_hf.formats.annotated_writer import identifier
from angel_hf.formats.compression import DamagedError, open_bytes
from angel_hf.formats.document import Document
from angel_hf.results import Annotated


def read_bioc(path: str | os.PathLike[str]) -> Iterator[Document]:
    """Stream the documents of a BioC file, `.gz` included; the first character distinguishes XML from JSON.

    Raises:
        ValueError: neither, or a document without what it needs, or not a whole gzip file; the error names the file.
    """
    name = os.fspath(path)
    with open_bytes(path) as stream:
        first = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    try:
        yield from _read_xml(path) if first == b"<" else _read_json(path)
    except DamagedError:
        raise  # it names the file
    except ElementTree.ParseError as error:
        raise ValueError(f"{name}: not XML ({error}); expected a BioC collection") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{name}:{error.lineno}: not JSON ({error}); expected a BioC collection") from None
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not BioC ({error}); expected documents of passages with offset and text") from None


def _read_xml(path: str | os.PathLike[str]) -> Iterator[Document]:
    with open_bytes(path) as stream:
        for _, element in ElementTree.iterparse(stream):
            if element.tag == "document":
                passages = [found for passage in element.iter("passage") for found in _xml_passage(passage)]
                yield Document.of_passages(element.findtext("id", ""), passages)
                element.clear()


def _xml_passage(passage: ElementTree.Element) -> list[tuple[int, str, str]]:
    kind = next((infon.text or "" for infon in passage.findall("infon") if infon.get("key") == "type"), "passage")
    parts = [passage] if passage.find("text") is not None else passage.findall("sentence")
    return [(int(part.findtext("offset", "")), kind, part.findtext("text", "")) for part in parts]


def _read_json(path: str | os.PathLike[str]) -> Iterator[Document]:
    with open_bytes(path) as stream:
        collection: Any = json.load(stream)
    for document in collection["documents"]:
        passages = []
        for passage in document["passages"]:
            kind = passage.get("infons", {}).get("type", "passage")
            parts = [passage] if passage.get("text") is not None else passage.get("sentences", [])
            passages += [(int(part["offset"]), kind, part["text"]) for part in parts]
        yield Document.of_passages(str(document["id"]), passages)


class BiocWriter:
    """A BioC XML collection; each annotation stands in the passage where it starts."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._stream = stream
        self._kind = kind
        stream.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
            "<collection><source>angel annotate</source><date></date><key>angel.key</key>\n"
        )

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        lines = [f"<document><id>{_xml(document.document_id)}</id>"]
        numbered = list(enumerate(annotated, start=1))
        for section in document.sections:
            text = document.text[section.start : section.end]
            lines.append(
                f'<passage><infon key="type">{_xml(section.kind)}</infon><offset>{section.start}</offset>'
                f"<text>{_xml(text)}</text>"
            )
            lines += [
                self._annotation(n, one) for n, one in numbered if section.start <= one.mention.start < section.end
            ]
            lines.append("</passage>")
        self._stream.write("\n".join([*lines, "</document>\n"]))

    def close(self) -> None:
        """End the collection."""
        self._stream.write("</collection>\n")

    def _annotation(self, number: int, one: Annotated) -> str:
        infons = {"type": self._kind, "identifier": identifier(one)}
        if one.best is not None and not one.is_nil:
            infons["name"] = one.best.name
        if one.confidence is not None:
            infons["confidence"] = f"{one.confidence:.4f}"
        shown = "".join(f"<infon key={quoteattr(key)}>{_xml(value)}</infon>" for key, value in infons.items())
        length = one.mention.end - one.mention.start
        return (
            f'<annotation id="{number}">{shown}<location offset="{one.mention.start}" length="{length}"/>'
            f"<text>{_xml(one.mention.surface)}</text></annotation>"
        )


def _xml(text: str) -> str:
    # XML cannot hold control characters; a space keeps the offsets.
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]", " ", text)).replace("\r", "&#13;")
