"""Names of a knowledge base's concepts in other ontologies, joined by cross-reference and by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from angel_hf.formats.term import Term
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.text.reading import normalize

# Spellings of one vocabulary in the cross-references of different ontologies.
_NAMESPACES = {"UMLS_CUI": "UMLS", "NCI": "NCIT", "ORDO": "Orphanet", "SNOMEDCT_US": "SCTID", "SNOMED_CT": "SCTID"}


@dataclass(frozen=True, slots=True)
class Synonyms:
    """What other ontologies call the concepts of a knowledge base.

    Attributes:
        names: for each joined concept its further names, normalised, none of which the knowledge base has.
        definitions: for each concept that has one, its first definition.
    """

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)

    @property
    def num_names(self) -> int:
        """Number of further names, counted once for each concept."""
        return sum(map(len, self.names.values()))


def join_ontologies(knowledge_base: KnowledgeBase, ontologies: Iterable[Iterable[Term]]) -> Synonyms:
    """Find the terms that mean a concept of the knowledge base, and take their names.

    A term is joined when all that points from it to the knowledge base points to one concept: its own and
    alternative identifiers and its cross-references; where there are none, those that it shares with terms joined
    before (HPO is tied to MEDIC by the UMLS identifiers of MONDO only); where there are none of these either, its
    names. A name that the knowledge base has already is not taken: for the same concept it is no news, for
    another it would contradict.

    Args:
        knowledge_base: whose concepts get names.
        ontologies: terms of each, in the order in which they are joined.
    """
    joiner = _Joiner(knowledge_base)
    names: dict[str, dict[str, None]] = {}
    definitions: dict[str, str] = {}
    for terms in ontologies:
        for term in terms:
            concept_id = joiner.concept_of(term)
            if concept_id is None:
                continue
            for name in term.concept.names:
                normalized = normalize(name, knowledge_base.normalization)
                if knowledge_base.find(normalized) is None:
                    names.setdefault(concept_id, {})[normalized] = None
            if term.definition:
                definitions.setdefault(concept_id, term.definition)
    return Synonyms({concept_id: tuple(found) for concept_id, found in names.items()}, definitions)


class _Joiner:
    """Finds the concept that a term means, and learns its cross-references."""

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self.knowledge_base = knowledge_base
        # None for what has been seen on several concepts.
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
        return {self.knowledge_base.resolve(identifier) for identifier in spelled} - {None}

    def _by_name(self, names: Iterable[str]) -> set[str | None]:
        return {concept_id for name in names for concept_id in self._bearers(name)}

    def _bearers(self, name: str) -> Iterator[str]:
        entry = self.knowledge_base.find(name)
        if entry is not None:
            yield from self.knowledge_base.entry_concept_ids(entry)


def _canonical(reference: str) -> str:
    namespace, _, identifier = reference.partition(":")
    # "SNOMEDCT_US_2023_03_01" is SNOMED CT's edition of that day.
    base = namespace.partition("_20")[0]
    return f"{_NAMESPACES.get(base, base)}:{identifier}"
