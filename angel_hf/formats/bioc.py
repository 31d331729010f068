"""BioC, the exchange format of PubTator Central and others, as XML and as JSON.

Only the texts are read: document id, and offset, type and text of every passage (of its sentences, where a passage has
no text of its own). The format: Comeau et al., "BioC: a minimalist approach to interoperability for biomedical text
processing", Database 2013.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from angel_hf.formats.compression import DamagedError, open_bytes
from angel_hf.formats.document import TextDocument


def read_bioc(path: str | os.PathLike[str]) -> Iterator[TextDocument]:
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


def _read_xml(path: str | os.PathLike[str]) -> Iterator[TextDocument]:
    with open_bytes(path) as stream:
        for _, element in ElementTree.iterparse(stream):
            if element.tag == "document":
                passages = [found for passage in element.iter("passage") for found in _xml_passage(passage)]
                yield TextDocument.of_passages(element.findtext("id", ""), passages)
                element.clear()


def _xml_passage(passage: ElementTree.Element) -> list[tuple[int, str, str]]:
    kind = next((infon.text or "" for infon in passage.findall("infon") if infon.get("key") == "type"), "passage")
    parts = [passage] if passage.find("text") is not None else passage.findall("sentence")
    return [(int(part.findtext("offset", "")), kind, part.findtext("text", "")) for part in parts]


def _read_json(path: str | os.PathLike[str]) -> Iterator[TextDocument]:
    with open_bytes(path) as stream:
        collection: Any = json.load(stream)
    for document in collection["documents"]:
        passages = []
        for passage in document["passages"]:
            kind = passage.get("infons", {}).get("type", "passage")
            parts = [passage] if passage.get("text") is not None else passage.get("sentences", [])
            passages += [(int(part["offset"]), kind, part["text"]) for part in parts]
        yield TextDocument.of_passages(str(document["id"]), passages)
