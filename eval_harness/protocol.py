"""Protocols: what the knowledge base holds and what counts as right, as named values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from angel_hf.knowledge_base import KnowledgeBase
from angel_hf.types import Candidate, Concept
from eval_harness.benchmark import Example


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a benchmark is scored; every report prints these values.

    In all of them a mention without an answer is wrong, and of a composite mention any part counts.

    Args:
        name: what the command line and the reports call it.
        knowledge_base_splits: splits whose mention strings become names of their concepts. The split that is
            evaluated is never among them.
        training_splits: splits that a predictor may learn from, the evaluated one again left out.
        concepts_of_a_name: "any": a candidate is right when any concept of its name is; "one": a name stands
            for one concept, chosen beforehand by `one_concept_each`.
    """

    name: str
    knowledge_base_splits: tuple[str, ...]
    training_splits: tuple[str, ...]
    concepts_of_a_name: Literal["any", "one"]

    def knowledge_base(self, ontology: KnowledgeBase, examples: Iterable[Example]) -> KnowledgeBase:
        """What mentions are linked to.

        Args:
            ontology: the names of the ontology.
            examples: those of `knowledge_base_splits`.
        """
        if self.knowledge_base_splits:
            ontology = ontology.with_names(mention_strings(ontology, examples))
        return one_concept_each(ontology) if self.concepts_of_a_name == "one" else ontology

    def is_right(self, candidate: Candidate, gold: frozenset[str]) -> bool:
        """Whether a candidate answers a mention whose concepts, as the knowledge base knows them, are `gold`."""
        concept_ids = candidate.concept_ids[:1] if self.concepts_of_a_name == "one" else candidate.concept_ids
        return not gold.isdisjoint(concept_ids)


ANGEL = Protocol("angel", ("train", "dev"), ("train", "dev"), "any")
LENIENT = Protocol("lenient", (), ("train",), "any")
STRICT = Protocol("strict", (), ("train",), "one")
PROTOCOLS = (ANGEL, LENIENT, STRICT)
"""`angel`: the published numbers' protocol. `strict`: no help from the corpus or from ambiguous names. `lenient`: the
knowledge base of `strict`, scored as in `angel`."""


def gold_concepts(example: Example, knowledge_base: KnowledgeBase) -> frozenset[str]:
    """The concepts of an example, alternative ids resolved; an id that the knowledge base lacks stays as it is."""
    return frozenset(knowledge_base.resolve(concept_id) or concept_id for concept_id in example.concept_ids)


def mention_strings(knowledge_base: KnowledgeBase, examples: Iterable[Example]) -> dict[str, list[str]]:
    """The mention strings of each concept, those of composite mentions for every part; for `with_names`."""
    names: dict[str, list[str]] = {}
    for example in examples:
        for concept_id in sorted(gold_concepts(example, knowledge_base)):
            names.setdefault(concept_id, []).append(example.mention.surface)
    return names


def one_concept_each(knowledge_base: KnowledgeBase) -> KnowledgeBase:
    """A copy in which every normalised name stands for one concept.

    It is the first concept, in knowledge-base order, whose preferred name it is, or the first that has it at
    all. A concept that loses all its names is left out.
    """
    owners: dict[int | None, str] = {}
    for concept in knowledge_base.concepts():
        owners.setdefault(knowledge_base.find(concept.names[0]), concept.concept_id)
    for entry in range(knowledge_base.num_entries):
        owners.setdefault(entry, knowledge_base.entry_concept_ids(entry)[0])

    def kept() -> Iterator[Concept]:
        for concept in knowledge_base.concepts():
            own = tuple(name for name in concept.names if owners[knowledge_base.find(name)] == concept.concept_id)
            if own:
                yield dataclasses.replace(concept, names=own)

    return KnowledgeBase.from_concepts(kept(), knowledge_base.normalization)
