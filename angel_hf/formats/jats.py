"""JATS XML (ANSI/NISO Z39.96), in which PubMed Central and publishers give out full texts."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from angel_hf.formats.document import Document
from angel_hf.formats.pubmed import sections_of
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.xml_records import local_name, records_of

ROOTS = ("article", "articles", "pmc-articleset", "OAI-PMH")
_ID_TYPES = ("pmc", "pmcid", "pmcaid", "pmid", "doi", "publisher-id")
_BLOCKS = {"p": "paragraph", "title": "heading", "article-title": "title", "td": "cell", "th": "cell"}
# Neither prose nor in its place: formulas, references, permissions, names of people.
_LEFT_OUT = frozenset(
    (
        *("tex-math", "math", "disp-formula", "inline-formula", "ref-list", "xref", "object-id", "label", "counts"),
        *("permissions", "contrib-group", "aff", "author-notes", "article-id", "journal-meta", "pub-date", "history"),
        *("funding-group", "kwd-group", "graphic", "media", "supplementary-material", "related-article"),
        *("custom-meta-group", "sub-article", "response"),
    )
)


def read_jats(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """Title, abstract, body, and captions and cells of figures and tables of each article, a section a paragraph.

    References and formulas are left out. The id is that of PMC, PubMed, the DOI, or the publisher's.

    Raises:
        ValueError: not JATS XML.
    """
    try:
        for element in records_of(source, ("article",), ROOTS):
            yield _document(element)
    except ParseError as error:
        raise ValueError(f"not XML ({error}); expected JATS with <article>") from None


def _document(article: Element) -> Document | Rejected:
    ids = {
        one.get("pub-id-type", ""): "".join(one.itertext()).strip()
        for one in article.iter()
        if local_name(one) == "article-id"
    }
    document_id = next((ids[kind] for kind in _ID_TYPES if ids.get(kind)), "")
    parts: list[tuple[str, str]] = []
    for child in article:
        if local_name(child) in ("front", "front-stub", "body", "floats-group"):
            parts += _blocks(child, "abstract" if local_name(child).startswith("front") else "body")
    if not parts:
        return Rejected(0, f"article {document_id or '?'} has no title, abstract or body")
    return sections_of(document_id, parts)


def _blocks(element: Element, where: str) -> Iterator[tuple[str, str]]:
    """The paragraphs and headings below an element, in order; depth is bounded by the reader of records."""
    for child in element:
        name = local_name(child)
        if name in _LEFT_OUT:
            continue
        if name in _BLOCKS:
            text = " ".join(_prose(child).split())
            if text:
                yield _BLOCKS[name] if name != "p" else where, text
            # A paragraph may hold figures and lists, whose own paragraphs follow it.
            if name == "p":
                yield from _blocks(child, where)
        else:
            yield from _blocks(child, where)


def _prose(element: Element) -> str:
    """The text of a block without what is left out, and without blocks within it."""
    parts = [element.text or ""]
    for child in element:
        name = local_name(child)
        if name and name not in _LEFT_OUT and not _holds_blocks(child):
            parts.append(_prose(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _holds_blocks(element: Element) -> bool:
    return any(local_name(one) in _BLOCKS for one in element.iter())
