"""Where a concept stands: its page on the web, and its path in the hierarchy."""

from __future__ import annotations

import re

from angel_hf import KnowledgeBase

# Identifier, and the page that shows it; the first that fits counts.
_PAGES = (
    (re.compile(r"(?:MESH:)?(D\d{6}|D\d{9}|C\d{6}|C\d{9})"), "https://meshb.nlm.nih.gov/record/ui?ui={}"),
    (re.compile(r"(?:OMIM|MIM):(?:PS)?(\d{6})"), "https://omim.org/entry/{}"),
    (re.compile(r"MONDO[:_](\d{7})"), "https://monarchinitiative.org/MONDO:{}"),
    (re.compile(r"DOID[:_](\d+)"), "https://disease-ontology.org/term/DOID:{}"),
    (re.compile(r"HP[:_](\d{7})"), "https://hpo.jax.org/browse/term/HP:{}"),
    (re.compile(r"CHEBI[:_](\d+)"), "https://www.ebi.ac.uk/chebi/CHEBI:{}"),
    (re.compile(r"(?:UMLS:)?(C\d{7})"), "https://uts.nlm.nih.gov/uts/umls/concept/{}"),
    (re.compile(r"(?:SNOMED|SNOMEDCT|SCTID):(\d+)"), "https://browser.ihtsdotools.org/?conceptId1={}"),
    (re.compile(r"(?:NCBITaxon|taxon):(\d+)"), "https://www.ncbi.nlm.nih.gov/taxonomy/{}"),
)
_MOST_STEPS = 30


def concept_page(concept_id: str) -> str | None:
    """The address of the page that shows a concept, or None where the identifier is of no known kind.

    Both MeSH's supplementary records and UMLS's concepts start with C; the first have six or nine digits, the second
    seven.
    """
    for pattern, address in _PAGES:
        match = pattern.fullmatch(concept_id)
        if match:
            return address.format(match[1])
    return None


def hierarchy_path(knowledge_base: KnowledgeBase, concept_id: str) -> list[tuple[str, str]]:
    """Identifier and preferred name from the top of the hierarchy down to the concept, by each first parent."""
    path: list[tuple[str, str]] = []
    following: str | None = concept_id
    while following is not None and len(path) < _MOST_STEPS:
        known = knowledge_base.resolve(following)
        if known is None or any(known == seen for seen, _ in path):
            break
        concept = knowledge_base.concept(known)
        path.append((known, concept.names[0]))
        following = concept.parents[0] if concept.parents else None
    return path[::-1]
