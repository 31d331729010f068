"""Cross-references of concepts: taken from their own file, or from a file of another vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from angel_hf.formats.term import Term
from angel_hf.text.identifiers import normalize_identifier, vocabulary_of_bare
from angel_hf.types import Concept

_SAMPLED = 10_000  # concepts, whose identifiers tell the vocabulary of all


def concept_of(term: Term) -> Concept:
    """The concept of a term with its cross-references in their usual form."""
    if not term.cross_references:
        return term.concept
    found = (*term.concept.cross_references, *map(normalize_identifier, term.cross_references))
    return replace(term.concept, cross_references=tuple(dict.fromkeys(found)))


def with_cross_references(concepts: Iterable[Concept], terms: Iterable[Term]) -> Iterator[Concept]:
    """Concepts with the cross-references that a file of another vocabulary has for them.

    A term is of a concept where it is a cross-reference of the concept, or has the concept among its own; then its
    identifiers and cross-references become the concept's. A third identifier that both refer to is not enough.

    Args:
        concepts: of the knowledge base.
        terms: of the other file.
    """
    concepts = list(concepts)
    bare = bare_vocabulary(concepts)
    terms = list(terms)
    bare_of_terms = bare_vocabulary([term.concept for term in terms])
    own_of_term = [own_identifiers(term.concept, bare_of_terms) for term in terms]
    by_own: dict[str, list[int]] = {}
    by_reference: dict[str, list[int]] = {}
    for place, (term, own) in enumerate(zip(terms, own_of_term)):
        for identifier in own:
            by_own.setdefault(identifier, []).append(place)
        for identifier in concept_of(term).cross_references:
            by_reference.setdefault(identifier, []).append(place)
    for concept in concepts:
        own = own_identifiers(concept, bare)
        places = [
            *(place for one in own for index in (by_own, by_reference) for place in index.get(one, ())),
            *(place for one in concept.cross_references for place in by_own.get(normalize_identifier(one), ())),
        ]
        found = dict.fromkeys(map(normalize_identifier, concept.cross_references))
        for place in dict.fromkeys(places):
            found |= dict.fromkeys((*own_of_term[place], *concept_of(terms[place]).cross_references))
        references = tuple(identifier for identifier in found if identifier not in own)
        yield concept if references == concept.cross_references else replace(concept, cross_references=references)


def bare_vocabulary(concepts: Sequence[Concept]) -> str:
    """The vocabulary of the bare identifiers of concepts, alternative ones included; see `vocabulary_of_bare`."""
    sample = concepts[:: max(1, len(concepts) // _SAMPLED)]
    return vocabulary_of_bare(one for concept in sample for one in (concept.concept_id, *concept.alternative_ids))


def own_identifiers(concept: Concept, bare: str) -> dict[str, None]:
    """The identifiers of a concept in their usual form, the primary one first."""
    return dict.fromkeys(normalize_identifier(one, bare) for one in (concept.concept_id, *concept.alternative_ids))
