"""Strings that mean the same: the names of a concept, in all ontologies, and the mentions annotated with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from angel_hf.formats.term import Term
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.ranking.memory import spelling
from angel_hf.training.data.corpus import AnnotatedMention
from angel_hf.training.data.ontologies import join_ontologies


@dataclass(frozen=True, slots=True)
class Synonyms:
    """The strings of a concept, two at least.

    Args:
        strings: as `spelling` gives them, the preferred name first.
        mentions: those of them that a corpus has.
    """

    strings: tuple[str, ...]
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What an encoder is trained on.

    Args:
        own: of the concepts of the knowledge base that is linked to, with their names in ontologies and their mentions.
        others: of the terms of ontologies, as they stand there.
    """

    own: tuple[Synonyms, ...]
    others: tuple[Synonyms, ...]


def vocabulary(
    knowledge_base: KnowledgeBase, ontologies: Sequence[Sequence[Term]], mentions: Iterable[AnnotatedMention]
) -> Vocabulary:
    """Put together what an encoder is trained on.

    Args:
        knowledge_base: that is linked to.
        ontologies: the terms of each, which are joined to the concepts as `join_ontologies` does.
        mentions: of training corpora; those of several concepts are left out.
    """
    mentioned: dict[str, dict[str, None]] = {}
    for annotated in mentions:
        ids = annotated.concept_ids(knowledge_base)
        if len(ids) == 1 and (string := spelling(annotated.mention.surface)):
            mentioned.setdefault(ids[0], {})[string] = None
    joined = join_ontologies(knowledge_base, ontologies)
    own = []
    for concept in knowledge_base.concepts():
        said = tuple(mentioned.get(concept.concept_id, ()))
        strings = _distinct([*concept.names, *joined.get(concept.concept_id, ())], said)
        own.append(Synonyms(strings, said))
    terms = (Synonyms(_distinct(term.concept.names)) for terms in ontologies for term in terms)
    return Vocabulary(tuple(_of_several(own)), tuple(_of_several(terms)))


def _distinct(names: Iterable[str], mentions: Iterable[str] = ()) -> tuple[str, ...]:
    return tuple(dict.fromkeys(string for string in (*map(spelling, names), *mentions) if string))


def _of_several(synonyms: Iterable[Synonyms]) -> Iterator[Synonyms]:
    return (one for one in synonyms if len(one.strings) > 1)
