"""Protocols: what the knowledge base holds and what counts as right, as named values."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Candidate, Concept
from eval_harness.example import Example

ConceptsOfAName = Literal["any", "first", "drawn", "only"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a benchmark is scored; every report prints these values.

    In all of them a mention without an answer is wrong.

    Args:
        name: what the command line and the reports call it.
        mention_names: "published": the mention strings of other splits are names of their concepts where the
            published knowledge base has them; "training": those of `training_splits` are, in every benchmark;
            "none": names of the ontology only.
        training_splits: splits that a predictor may learn from, without the evaluated one.
        concepts_of_a_name: what counts for a candidate whose name stands for several concepts. "any": any of
            them; "first": every name stands for one concept, chosen beforehand by `one_concept_each`; "drawn":
            one of them, drawn by a hash of mention and name; "only": such a candidate is wrong.
        composite: "any part": a composite mention is answered by a candidate for one of its parts; "all parts": it
            is answered at rank k when the first k candidates together meet every part.
        absent: mentions whose concepts the knowledge base does not have, or for which the corpus has none: "wrong",
            as nobody can answer them; or "left out".
    """

    name: str
    mention_names: Literal["published", "training", "none"]
    training_splits: tuple[str, ...]
    concepts_of_a_name: ConceptsOfAName
    composite: Literal["any part", "all parts"]
    absent: Literal["wrong", "left out"]

    def knowledge_base(self, ontology: KnowledgeBase) -> KnowledgeBase:
        """What mentions are linked to, made from the names that the protocol allows."""
        return one_concept_each(ontology) if self.concepts_of_a_name == "first" else ontology

    def counted_concepts(self, candidate: Candidate, mention: str) -> tuple[str, ...]:
        """The concepts of a candidate that count as its answer."""
        ids = candidate.concept_ids
        if self.concepts_of_a_name == "first":
            return ids[:1]
        if self.concepts_of_a_name == "only":
            return ids if len(ids) == 1 else ()
        if self.concepts_of_a_name == "drawn" and len(ids) > 1:
            digest = hashlib.sha256(f"{mention}\n{candidate.name}".encode()).digest()
            return (ids[int.from_bytes(digest[:8], "big") % len(ids)],)
        return ids

    def rank(self, candidates: Iterable[Candidate], mention: str, gold: Iterable[frozenset[str]]) -> int | None:
        """The place, from 1, at which the candidates have answered a mention, or None.

        Args:
            candidates: best first.
            mention: its string, for the draw.
            gold: the concepts of each part as the knowledge base knows them.
        """
        parts = list(gold)
        if self.composite == "any part":
            parts = [frozenset().union(*parts)]
        for place, candidate in enumerate(candidates, start=1):
            counted = self.counted_concepts(candidate, mention)
            parts = [part for part in parts if part.isdisjoint(counted)]
            if not parts:
                return place
        return None


ANGEL = Protocol("angel", "published", ("train", "dev"), "any", "any part", "left out")
LENIENT = Protocol("lenient", "none", ("train",), "any", "any part", "wrong")
STRINGS = Protocol("strings", "training", ("train", "dev"), "any", "any part", "wrong")
STRICT = Protocol("strict", "none", ("train",), "first", "all parts", "wrong")
BELB_STANDARD = Protocol("belb-standard", "none", ("train",), "drawn", "any part", "left out")
BELB_STRICT = Protocol("belb-strict", "none", ("train",), "only", "any part", "left out")
BELB_LENIENT = Protocol("belb-lenient", "none", ("train",), "any", "any part", "left out")
BELB = (BELB_STANDARD, BELB_STRICT, BELB_LENIENT)
PROTOCOLS = (ANGEL, LENIENT, STRINGS, STRICT, *BELB)
"""`angel`: the published numbers' protocol. `strict`: no help from the corpus, from dev or from ambiguous names.
`lenient`: the names of `strict`, scored as in `angel`. `strings`: `lenient` with the mention strings of train and dev
among the names, as who has annotated texts would link. `belb-*`: the three ways in which BELB scores several ids
(Garda, Weber-Genzel, Martin and Leser, Bioinformatics 2023)."""


def protocols_named(name: str) -> tuple[Protocol, ...]:
    """The protocol of a name; `belb` stands for its three ways.

    Raises:
        ValueError: there is no such protocol.
    """
    found = BELB if name == "belb" else tuple(one for one in PROTOCOLS if one.name == name)
    if not found:
        raise ValueError(f"protocol {name!r}; expected one of {', '.join(one.name for one in PROTOCOLS)} or belb")
    return found


def gold_parts(example: Example, knowledge_base: KnowledgeBase) -> tuple[frozenset[str], ...]:
    """The concepts of each part, alternative ids resolved; an id that the knowledge base lacks stays as it is."""
    return tuple(
        frozenset(knowledge_base.resolve(concept_id) or concept_id for concept_id in part) for part in example.gold
    )


def gold_concepts(example: Example, knowledge_base: KnowledgeBase) -> frozenset[str]:
    """The concepts of all parts, as `gold_parts` has them."""
    return frozenset().union(*gold_parts(example, knowledge_base))


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
