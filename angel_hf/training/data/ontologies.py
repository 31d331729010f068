"""Names of a knowledge base's concepts in other ontologies, joined by cross-reference and by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from angel_hf.formats.term import Term
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.text.reading import normalize

# Spellings of one vocabulary in the cross-references of different ontologies.
_NAMESPACES = {"UMLS_CUI": "UMLS", "NCI": "NCIT", "ORDO": "Orphanet", "SNOMEDCT_US": "SCTID", "SNOMED_CT": "SCTID"}


def join_ontologies(knowledge_base: KnowledgeBase, ontologies: Iterable[Iterable[Term]]) -> dict[str, tuple[str, ...]]:
    """Further names of the knowledge base's concepts, from the terms that mean the same concept.

    A term is joined if all its references to the knowledge base agree on one concept: its own and alternative
    identifiers and its cross-references; without these, the references that it shares with terms joined before (HPO is
    tied to MEDIC by MONDO's UMLS identifiers only); without those, its names. A name that the knowledge base already
    has is not taken: for the same concept it adds nothing, for another it would contradict.

    Args:
        knowledge_base: whose concepts get names.
        ontologies: the terms of each, in the order in which they are joined.

    Returns:
        concept id -> its further names, normalised, none of which the knowledge base has.
    """
    joiner = _Joiner(knowledge_base)
    names: dict[str, dict[str, None]] = {}
    for terms in ontologies:
        for term in terms:
            concept_id = joiner.concept_of(term)
            if concept_id is None:
                continue
            for name in term.concept.names:
                normalized = normalize(name, knowledge_base.normalization)
                if knowledge_base.find(normalized) is None:
                    names.setdefault(concept_id, {})[normalized] = None
    return {concept_id: tuple(found) for concept_id, found in names.items()}


class _Joiner:
    """Finds the concept that a term means, and remembers its cross-references."""

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self._knowledge_base = knowledge_base
        # Cross-reference -> concept id; None if several concepts have it.
        self._seen: dict[str, str | None] = {}

    def concept_of(self, term: Term) -> str | None:
        """The one concept that the term means, or None."""
        references = [_canonical(reference) for reference in term.cross_references]
        own = [term.concept.concept_id, *term.concept.alternative_ids]
        for found in (
            self._by_identifier([*own, *references]),
            {self._seen.get(reference) for reference in references} - {None},
            self._by_name(term.concept.names),
        ):
            if found:
                concept_id = found.pop() if len(found) == 1 else None
                break
        else:
            return None
        if concept_id is not None:
            for reference in references:
                known = self._seen.setdefault(reference, concept_id)
                if known != concept_id:
                    self._seen[reference] = None
        return concept_id

    def _by_identifier(self, identifiers: Sequence[str]) -> set[str | None]:
        # Knowledge bases write identifiers of MeSH and SNOMED CT bare or with a prefix.
        bare = (identifier.removeprefix("MESH:").removeprefix("SCTID:") for identifier in identifiers)
        spelled = (form for pair in zip(identifiers, bare) for form in pair)
        return {self._knowledge_base.resolve(identifier) for identifier in spelled} - {None}

    def _by_name(self, names: Iterable[str]) -> set[str | None]:
        return {concept_id for name in names for concept_id in self._bearers(name)}

    def _bearers(self, name: str) -> Iterator[str]:
        entry = self._knowledge_base.find(name)
        if entry is not None:
            yield from self._knowledge_base.entry_concept_ids(entry)


def _canonical(reference: str) -> str:
    namespace, _, identifier = reference.partition(":")
    # "SNOMEDCT_US_2023_03_01" is a dated edition of SNOMED CT.
    base = namespace.partition("_20")[0]
    return f"{_NAMESPACES.get(base, base)}:{identifier}"
