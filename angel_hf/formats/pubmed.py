"""PubMed and MEDLINE XML, as the yearly baseline and E-utilities give it (NLM's pubmed_250101.dtd)."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from angel_hf.formats.document import Document, Section
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.xml_records import local_name, records_of, text_of

ROOTS = ("PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", "PubmedArticle", "MedlineCitation")
_RECORDS = ("MedlineCitation", "BookDocument")


def read_pubmed(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """Title and abstract of each citation, with its PMID; deleted citations are passed over.

    The sections of a structured abstract follow one another on lines of their own, each after its label. One without
    title and abstract is rejected.

    Raises:
        ValueError: not PubMed XML.
    """
    try:
        for element in records_of(source, _RECORDS, ROOTS):
            yield _document(element)
    except ParseError as error:
        raise ValueError(f"not XML ({error}); expected a PubmedArticleSet") from None


def _document(citation: Element) -> Document | Rejected:
    pmid = next((text_of(child).strip() for child in citation if local_name(child) == "PMID"), "")
    article = next((child for child in citation if local_name(child) == "Article"), citation)
    titles = [child for child in article if local_name(child) in ("ArticleTitle", "BookTitle")]
    if not titles:
        titles = [child for child in article.iter() if local_name(child) == "BookTitle"]
    title = " ".join(text_of(titles[0]).split()) if titles else ""
    parts = [("title", title)] if title else []
    for abstract in article:
        if local_name(abstract) == "Abstract":
            parts += [found for text in abstract if (found := _abstract_text(text)) is not None]
    if not parts:
        return Rejected(0, f"citation {pmid or '?'} has neither title nor abstract")
    return sections_of(pmid, parts)


def _abstract_text(element: Element) -> tuple[str, str] | None:
    if local_name(element) != "AbstractText":
        return None
    text = " ".join(text_of(element).split())
    label = element.get("Label", "").strip()
    if not text:
        return None
    return "abstract", f"{label}: {text}" if label else text


def sections_of(document_id: str, parts: list[tuple[str, str]]) -> Document:
    """A document of parts (kind, text), a line end between them."""
    sections, start = [], 0
    for kind, text in parts:
        sections.append(Section(start, start + len(text), kind))
        start += len(text) + 1
    return Document(document_id, "\n".join(text for _, text in parts), tuple(sections))
