"""The formats of documents, and the reading of a file in whichever it is.

To add a format: a file beside this one with its reader, and a line in FORMATS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path

from angel_hf.formats.bioc_reader import read_bioc
from angel_hf.formats.brat_reader import is_text_of_pair, read_brat
from angel_hf.formats.document import Document
from angel_hf.formats.guarded import guarded
from angel_hf.formats.jats import ROOTS as JATS_ROOTS
from angel_hf.formats.jats import read_jats
from angel_hf.formats.jsonl import is_utf8, read_jsonl
from angel_hf.formats.marked_sentences import read_sentences
from angel_hf.formats.plain_text import read_plain_text
from angel_hf.formats.pubmed import ROOTS as PUBMED_ROOTS
from angel_hf.formats.pubmed import read_pubmed
from angel_hf.formats.pubtator_reader import read_pubtator_documents
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.text_table import read_text_table
from angel_hf.formats.xml_records import root_name


class DocumentFormat(str, Enum):
    """Formats of documents."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"
    BIOC = "bioc"
    PUBMED = "pubmed"
    JATS = "jats"
    TABLE = "table"
    BRAT = "brat"
    MARKED = "marked"
    TEXT = "text"


Reader = Callable[[Source, Reading], Iterator[Document | Rejected]]


@dataclass(frozen=True, slots=True)
class _Format:
    """A format: its reader, the endings that name it, and whether its documents come with mentions."""

    form: DocumentFormat
    read: Reader
    endings: tuple[str, ...]
    brings_mentions: bool


FORMATS = (
    _Format(DocumentFormat.JSONL, read_jsonl, (".jsonl", ".ndjson"), True),
    _Format(DocumentFormat.PUBTATOR, read_pubtator_documents, (".pubtator",), True),
    _Format(DocumentFormat.BIOC, read_bioc, (".bioc",), True),
    _Format(DocumentFormat.PUBMED, read_pubmed, (), False),
    _Format(DocumentFormat.JATS, read_jats, (".nxml",), False),
    _Format(DocumentFormat.TABLE, read_text_table, (".csv", ".tsv"), False),
    _Format(DocumentFormat.BRAT, read_brat, (), True),
    _Format(DocumentFormat.MARKED, read_sentences, (), True),
    _Format(DocumentFormat.TEXT, read_plain_text, (), False),
)
_BY_FORM = {one.form: one for one in FORMATS}
_BY_ENDING = {ending: one.form for one in FORMATS for ending in one.endings}
# What these hold has to be looked at: an ending may stand for several formats.
_XML_ENDINGS = (".xml",)
_JSON_ENDINGS = (".json",)
_TEXT_ENDINGS = (".txt", ".text", ".md")
ENDINGS = (*_BY_ENDING, *_XML_ENDINGS, *_JSON_ENDINGS, *_TEXT_ENDINGS)
"""Endings of the files of a folder that are read, each also with `.gz`."""
_PUBTATOR_START = re.compile(r"[^|\t\n]+\|[ta]\|")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")
_XML_ROOTS = {
    **dict.fromkeys(("collection", "document"), DocumentFormat.BIOC),
    **dict.fromkeys(PUBMED_ROOTS, DocumentFormat.PUBMED),
    **dict.fromkeys(JATS_ROOTS, DocumentFormat.JATS),
}
_KNOWN = (
    "PubTator's `id|t|title`, JSON lines, BioC, PubMed or JATS XML, a table with a column text, sentences with "
    "[[mention]] marks, or plain text in a file that ends in .txt"
)


def recognise(source: Source, mentions: bool = False) -> DocumentFormat:
    """The format of a source, by the ending of its name, and by its first characters where that does not decide.

    Args:
        source: nothing of it is read yet.
        mentions: whether given mentions are needed; text with [[marks]] is then taken for sentences.

    Raises:
        ValueError: neither decides; the message shows the first line and names the option to use.
    """
    if source.ending in _BY_ENDING:
        return _BY_ENDING[source.ending]
    head = source.head().lstrip()
    if source.ending in _TEXT_ENDINGS:
        if _PUBTATOR_START.match(head):
            return DocumentFormat.PUBTATOR
        if source.path and is_text_of_pair(source.path):
            return DocumentFormat.BRAT
        return DocumentFormat.MARKED if mentions else DocumentFormat.TEXT
    if head.startswith("<") and (root_name(head) in _XML_ROOTS or not _PUBTATOR_START.match(head)):
        return _xml_format(head)
    if source.ending in _XML_ENDINGS:
        return DocumentFormat.BIOC  # which may be JSON, and says what it expected
    if head.startswith(("{", "[")) and not head.startswith("[["):
        return _json_format(head)
    if source.ending in _JSON_ENDINGS:
        return DocumentFormat.BIOC
    if _PUBTATOR_START.match(head):
        return DocumentFormat.PUBTATOR
    if mentions and ("[[" in head.partition("\n")[0] or not head):
        return DocumentFormat.MARKED
    # Text without an ending that says so: what was piped in is meant, a file may be anything.
    if not head or (not mentions and source.path is None and not _CONTROL.search(head)):
        return DocumentFormat.TEXT
    first = head.partition("\n")[0]
    raise ValueError(
        f"cannot tell the format from its first line {first[:80]!r}; expected {_KNOWN}; or name it with --input-format"
    )


def _xml_format(head: str) -> DocumentFormat:
    root = root_name(head)
    if root in _XML_ROOTS:
        return _XML_ROOTS[root]
    what = f"its root is <{root[:60]}>" if root else "not XML, although it starts with <"
    known = ", ".join(f"<{name}>" for name in _XML_ROOTS)
    raise ValueError(f"{what}; expected BioC, PubMed or JATS XML, whose roots are {known}")


def _json_format(head: str) -> DocumentFormat:
    """JSON lines where the first line is an object with a text; else BioC, whose reader names what it lacks."""
    first = head.partition("\n")[0]
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        # Cut short, spread over lines, or no JSON at all.
        is_bioc = re.search(r'"(?:documents|passages|PubTator3)"\s*:', head) is not None
        return DocumentFormat.BIOC if is_bioc or head.startswith("[") else DocumentFormat.JSONL
    is_bioc = isinstance(value, list) or not value.keys().isdisjoint(("documents", "passages", "PubTator3"))
    return DocumentFormat.BIOC if is_bioc else DocumentFormat.JSONL


def brings_mentions(form: DocumentFormat) -> bool:
    """Whether documents of a format can come with mentions to link."""
    return _BY_FORM[form].brings_mentions


def read_documents(
    source: Source,
    form: DocumentFormat | None = None,
    reading: Reading = Reading(),  # noqa: B008  # a frozen value
) -> Iterator[Document | Rejected]:
    """Stream the documents of a source, and what could not be read in between.

    Nothing is raised but where the source cannot be opened; a fault after which nothing can be read is a last rejection
    with `is_rest`.

    Args:
        source: read once.
        form: its format; None: as `recognise` finds.
        reading: what is needed of the documents.
    """
    for item in guarded(source, partial(_read, form=form, reading=reading)):
        if isinstance(item, Document) and not is_utf8(item.text):
            cause = f"document {item.document_id!r:.60} has half a surrogate pair in its text"
            yield Rejected(item.line, f"{cause}; expected whole characters", item.raw, source.name)
        elif isinstance(item, Document):
            # A name is not worth the document.
            document_id = item.document_id.encode("utf-8", "backslashreplace").decode("utf-8")
            yield replace(item, document_id=document_id, source=source.name)
        else:
            yield item


def _read(source: Source, form: DocumentFormat | None, reading: Reading) -> Iterator[Document | Rejected]:
    format_ = _BY_FORM[form or recognise(source, reading.mentions)]
    for item in format_.read(source, reading):
        if isinstance(item, Document) and reading.mentions and item.annotations is None:
            cause = f"{format_.form.value} brings no mentions; expected given ones; angel annotate finds them"
            yield Rejected(item.line, cause, item.raw)
        elif isinstance(item, Document) and not item.document_id:
            yield replace(item, document_id=str(item.line or source.stem))
        else:
            yield item


def document_files(path: Path) -> list[Path]:
    """The file itself, or those of a folder and its folders that have a known ending, in order.

    Raises:
        ValueError: there is no such file, or the folder holds none of a known ending.
    """
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.is_file() and _ending(file) in ENDINGS)
    if not found:
        raise ValueError(f"{path}: holds no file that ends in {', '.join(ENDINGS)}, or in one of these and .gz")
    return found


def _ending(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix
