"""Hard negatives: link mentions with known concepts, and collect the model's mistakes."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.search.beam import BeamSearch
from angel_hf.text.reading import normalize
from angel_hf.training.data.concept_names import ConceptNames
from angel_hf.training.data.corpus import AnnotatedMention
from angel_hf.training.preference.pairs import preference_pairs
from angel_hf.training.preference.pairs_file import MinedPair
from angel_hf.training.recipes.schema import Mining
from angel_hf.types import Candidate, Mention


def mine_mentions(
    model: AngelForEntityLinking,
    mentions: Sequence[AnnotatedMention],
    names: ConceptNames,
    mining: Mining,
    source: str,
) -> Iterator[MinedPair]:
    """Pairs from mentions; those that are too long for the model, or have no concept in the knowledge base, make none.

    Args:
        model: links the mentions to its knowledge base.
        mentions: to link.
        names: of the concepts.
        mining: width of the search and number of candidates.
        source: stored with each pair.
    """
    return _mine(model, mentions, names, mining, source, without_itself=False)


def mine_names(
    model: AngelForEntityLinking, mentions: Sequence[AnnotatedMention], names: ConceptNames, mining: Mining, source: str
) -> Iterator[MinedPair]:
    """Pairs from names (`name_mentions`), as `mine_mentions` with the name itself removed from the candidates."""
    # The name itself takes one place in the search.
    wider = replace(mining, num_beams=mining.num_beams + 1)
    return _mine(model, mentions, names, wider, source, without_itself=True)


def name_mentions(names: ConceptNames, count: int, seed: int) -> list[AnnotatedMention]:
    """A seeded sample of the names, joined ontologies included, of concepts that have another name.

    All concepts with that name are gold; `document_id` is the one for which it was drawn.
    """
    bearers: dict[str, list[str]] = {}
    for concept_id, found in names.surfaces.items():
        for surface in found:
            bearers.setdefault(surface, []).append(concept_id)
    surfaces = [
        (concept_id, surface)
        for concept_id, found in names.surfaces.items()
        for surface in found
        if any(name != surface for name in names.names[concept_id])
    ]
    rng = random.Random(seed)
    if names.weights:
        # By weight, without replacement: Efraimidis and Spirakis, "Weighted random sampling with a reservoir"
        # (Information Processing Letters 97, 2006).
        sampled = heapq.nlargest(count, surfaces, key=lambda row: rng.random() ** (1 / names.weights[row[0]]))
    else:
        sampled = rng.sample(surfaces, min(count, len(surfaces)))
    return [
        AnnotatedMention(Mention(name, 0, len(name)), tuple(dict.fromkeys([concept_id, *bearers[name]])), concept_id)
        for concept_id, name in sampled
    ]


def folds(mentions: Sequence[AnnotatedMention], count: int, seed: int) -> list[list[AnnotatedMention]]:
    """Split a corpus into parts with about the same number of documents; each document is in one part.

    Raises:
        ValueError: there are fewer documents than parts.
    """
    documents = list(dict.fromkeys(annotated.document_id for annotated in mentions))
    if len(documents) < count:
        raise ValueError(
            f"{len(documents)} documents do not make {count} parts; lower mining.folds, or rounds if that is larger"
        )
    random.Random(seed).shuffle(documents)
    fold_of = {document_id: place % count for place, document_id in enumerate(documents)}
    parts: list[list[AnnotatedMention]] = [[] for _ in range(count)]
    for annotated in mentions:
        parts[fold_of[annotated.document_id]].append(annotated)
    return parts


def _mine(
    model: AngelForEntityLinking,
    mentions: Sequence[AnnotatedMention],
    names: ConceptNames,
    mining: Mining,
    source: str,
    without_itself: bool,
) -> Iterator[MinedPair]:
    knowledge_base = model.knowledge_base
    assert knowledge_base is not None, "a model without a knowledge base cannot link"
    assert model.processor is not None, "a model without a processor cannot read mentions"
    readable = itertools.compress(mentions, model.processor.fits([annotated.mention for annotated in mentions]))
    known = [(annotated, gold) for annotated in readable if (gold := annotated.concept_ids(knowledge_base))]
    linked = model.link(
        [annotated.mention for annotated, _ in known], mining.num_beams, BeamSearch(mining.num_beams), ranked=False
    )
    for (annotated, gold), answer in zip(known, linked, strict=True):
        surface = normalize(annotated.mention.surface, knowledge_base.normalization)
        removed = surface if without_itself else None
        candidates = [_normalized(candidate, knowledge_base) for candidate in answer.candidates]
        candidates = [candidate for candidate in candidates if candidate.name != removed][: mining.top_k]
        fallback = None
        if mining.nearest_if_absent:
            fallback = partial(_nearest, surface, gold, names, knowledge_base, removed)
        for pair in preference_pairs(annotated.mention, candidates, frozenset(gold), fallback):
            yield MinedPair(pair, gold, annotated.document_id, source)


def _normalized(candidate: Candidate, knowledge_base: KnowledgeBase) -> Candidate:
    """A candidate with its name in normal form, as the model generates it."""
    return replace(candidate, name=normalize(candidate.name, knowledge_base.normalization))


def _nearest(
    surface: str, gold: Sequence[str], names: ConceptNames, knowledge_base: KnowledgeBase, removed: str | None
) -> Candidate | None:
    """The gold concepts' name nearest to a surface, without a score (NaN)."""
    found = [name for name in names.nearest(surface, gold, 2) if name != removed]
    if not found:
        return None
    entry = knowledge_base.find(found[0])
    assert entry is not None, "a concept's name is an entry of its knowledge base"
    return Candidate(found[0], knowledge_base.entry_concept_ids(entry), float("nan"))
