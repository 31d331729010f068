"""The formats of knowledge bases, recognised by their content."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from angel_hf.formats.compression import open_bytes
from angel_hf.formats.genbioel import read_genbioel
from angel_hf.formats.obo import read_obo, read_obo_terms
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.term_json import read_term_json, read_term_json_terms
from angel_hf.formats.vocabularies import medic, mesh_mapping
from angel_hf.types import Concept

_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Format:
    """A file format of concepts: how to recognise it, and the normalisation that fits its names."""

    name: str
    head: re.Pattern[str]
    read: Callable[[str | os.PathLike[str]], Iterator[Concept]]
    normalization: str


def _concepts_of(
    read: Callable[[Source], Iterator[Term | Rejected]],
) -> Callable[[str | os.PathLike[str]], Iterator[Concept]]:
    def read_concepts(path: str | os.PathLike[str]) -> Iterator[Concept]:
        with Source(Path(path)) as source:
            for item in read(source):
                if isinstance(item, Rejected):
                    raise ValueError(f"{source.name}:{item.line}: {item.cause}")
                yield item.concept

    return read_concepts


# To add a format: a file beside this one, and a line here. `head` is matched at the start of the text.
_FORMATS = (
    _Format("GenBioEL's target_kb.json", re.compile(r'\s*\{\s*(?:\}|"[^"]*"\s*:)'), read_genbioel, "lowercase"),
    _Format(
        "MEDIC text `ID|ALT_ID||name|name`",
        re.compile(r"[^|\s]+(?:\|[^|\s]+)*\|\|"),
        _concepts_of(medic.read),
        "lowercase-punctuation",
    ),
    _Format(
        "a tab-separated MeSH mapping `id, name, synonyms, ...`",
        re.compile(r"(?:MESH:)?[A-Z]\d{6,}\t[^\n]*\t[^\n]*\t"),
        _concepts_of(mesh_mapping.read),
        "lowercase-punctuation",
    ),
    _Format("OBO", re.compile(r"\s*format-version:"), read_obo, "lowercase-punctuation"),
    _Format(
        'a JSON list of terms {"id", "name", "synonyms"}',
        re.compile(r"\s*\[\s*\{"),
        read_term_json,
        "lowercase-punctuation",
    ),
)
_TERM_READERS: dict[Callable[[str | os.PathLike[str]], Iterator[Concept]], Callable[[str], Iterator[Term]]] = {
    read_obo: read_obo_terms,
    read_term_json: read_term_json_terms,
}


def read_concepts(path: str | os.PathLike[str]) -> tuple[Iterator[Concept], str]:
    """Recognise the format of a file of concepts by its content, and start to read it; `.gz` is decompressed.

    Returns:
        The concepts, read lazily, and the name of the normalisation that fits the format: "lowercase" for a file that
        is already normalised, else "lowercase-punctuation".

    Raises:
        ValueError: the format is unknown, or the file is not UTF-8 or not gzip; from the iterator: a row is malformed,
            or the file is cut short.
    """
    format_ = _recognise(path)
    return format_.read(path), format_.normalization


def read_terms(path: str | os.PathLike[str]) -> Iterator[Term]:
    """Read a file of concepts with their cross-references and definitions, where its format has them.

    Raises:
        ValueError: as `read_concepts`.
    """
    format_ = _recognise(path)
    if format_.read in _TERM_READERS:
        return _TERM_READERS[format_.read](os.fspath(path))
    return (Term(concept) for concept in format_.read(path))


def _recognise(path: str | os.PathLike[str]) -> _Format:
    head = _read_head(path)
    for format_ in _FORMATS:
        if format_.head.match(head):
            return format_
    first = next((line for line in head.splitlines() if line.strip()), "")
    raise ValueError(
        f"{os.fspath(path)}: starts with {first[:80]!r}; expected "
        f"{', '.join(format_.name for format_ in _FORMATS[:-1])} or {_FORMATS[-1].name}, optionally gzipped; build any "
        "other knowledge base with KnowledgeBase.from_names({concept_id: [name, ...]})"
    )


def _read_head(path: str | os.PathLike[str]) -> str:
    """The first characters of a file, without empty lines in front."""
    name = os.fspath(path)
    with open_bytes(path) as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(codecs.BOM_UTF8):
        raise ValueError(f"{name}: starts with a byte-order mark; expected plain UTF-8: remove its first three bytes")
    # The last character may be cut in two; bytes that are not UTF-8 are reported by the reader, with their line.
    return head.decode("utf-8", errors="replace").lstrip("\r\n")
