"""Training pairs, a mention and the name to generate, from a knowledge base and an annotated corpus."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from angel_hf.text.reading import normalize
from angel_hf.training.data.concept_names import ConceptNames
from angel_hf.training.data.corpus import AnnotatedMention
from angel_hf.training.data.noise import add_noise
from angel_hf.training.recipes.schema import Mixture
from angel_hf.types import Mention

_Option = TypeVar("_Option")


@dataclass(frozen=True, slots=True)
class Pair:
    """A mention and a normalised name of its concept."""

    mention: Mention
    target: str


@dataclass(frozen=True, slots=True)
class Context:
    """The text left and right of an annotated mention."""

    left: str
    right: str

    def around(self, surface: str) -> Mention:
        """`surface` as a mention between the two sides."""
        return Mention(f"{self.left}{surface}{self.right}", len(self.left), len(self.left) + len(surface))


def corpus_contexts(mentions: Iterable[AnnotatedMention], max_words: int = 24) -> list[Context]:
    """Both sides of every annotated mention, each cut to at most `max_words` words."""
    contexts = []
    for annotated in mentions:
        mention = annotated.mention
        left = mention.text[: mention.start].split(" ")[-max_words:]
        right = mention.text[mention.end :].split(" ")[:max_words]
        contexts.append(Context(" ".join(left), " ".join(right)))
    return contexts


def pretraining_pairs(
    concept_names: ConceptNames,
    contexts: Sequence[Context],
    count: int,
    seed: int,
    mixture: Mixture,
    settled: bool = False,
) -> Iterator[Pair]:
    """Pairs from a knowledge base alone, in training order: copies of noised names, and surfaces to names.

    Args:
        concept_names: the knowledge base.
        contexts: of annotated mentions.
        count: number of pairs.
        seed: of every choice made here.
        mixture: the shares.
        settled: use the final share of copies from the start.
    """
    rng = random.Random(seed)
    all_names = [
        (concept_id, position) for concept_id, names in concept_names.names.items() for position in range(len(names))
    ]
    nearest = concept_names.nearest_synonyms()
    with_synonyms = [
        (concept_id, position, other)
        for concept_id, others in nearest.items()
        for position, other in enumerate(others)
        if other is not None
    ]
    name_weights = concept_names.cumulative_weights(concept_id for concept_id, _ in all_names)
    synonym_weights = concept_names.cumulative_weights(concept_id for concept_id, _, _ in with_synonyms)
    for number in range(count):
        copies = mixture.last_copies if settled else mixture.copies(number)
        if rng.random() < copies or not with_synonyms:
            concept_id, position = _draw(all_names, name_weights, rng)
            target = concept_names.names[concept_id][position]
            surface = add_noise(target, rng) if rng.random() < mixture.noised_copies else target
        else:
            concept_id, position, target = _draw(with_synonyms, synonym_weights, rng)
            original = concept_names.surfaces[concept_id][position]
            surface = add_noise(original, rng) if rng.random() < mixture.noised_synonyms else original
            if rng.random() >= mixture.nearest_share:
                target = rng.choice([name for name in concept_names.names[concept_id] if name != original])
        # Drawn also without contexts, as when the shipped models were trained.
        placed = rng.random()
        if contexts and placed < mixture.context_share:
            mention = rng.choice(contexts).around(surface)
        else:
            mention = Mention(surface, 0, len(surface))
        yield Pair(mention, target)


def _draw(options: Sequence[_Option], cumulative_weights: list[float] | None, rng: random.Random) -> _Option:
    """One of the options, drawn by weight."""
    if cumulative_weights is None:
        return rng.choice(options)
    return rng.choices(options, cum_weights=cumulative_weights)[0]


@dataclass(frozen=True, slots=True)
class Choice:
    """A mention with its normalised surface and, for each of its concepts, the possible targets, nearest first."""

    mention: Mention
    surface: str
    targets: tuple[tuple[str, ...], ...]


def corpus_choices(mentions: Iterable[AnnotatedMention], concept_names: ConceptNames, k: int = 3) -> list[Choice]:
    """Each annotated mention with the k nearest names of each of its concepts (the published k is 3).

    Concepts that the knowledge base lacks are left out, and so are mentions without any concept.
    """
    knowledge_base = concept_names.knowledge_base
    choices = []
    nearest: dict[tuple[str, str], tuple[str, ...]] = {}
    for annotated in mentions:
        surface = normalize(annotated.mention.surface, knowledge_base.normalization)
        targets = []
        for concept_id in annotated.concept_ids(knowledge_base):
            key = surface, concept_id
            if key not in nearest:
                nearest[key] = tuple(concept_names.nearest(surface, (concept_id,), k))
            targets.append(nearest[key])
        if targets:
            choices.append(Choice(annotated.mention, surface, tuple(targets)))
    return choices


def fine_tuning_pairs(
    choices: Sequence[Choice],
    count: int,
    seed: int,
    weights: Sequence[float],
    replay: Iterator[Pair] | None = None,
    copy_share: float = 0.0,
    noise_share: float = 0.0,
) -> Iterator[Pair]:
    """Pairs of corpus mentions in shuffled epochs.

    Args:
        choices: from `corpus_choices`.
        count: number of pairs in all.
        seed: of the order and of the choice among concepts and names.
        weights: of the first, second, ... nearest name as the target.
        replay: pretraining pairs, at least `count` / 2, which are every other pair.
        copy_share: share of mentions whose target is the mention itself, as if the knowledge base had it.
        noise_share: share of the others with spelling noise in the mention.

    Raises:
        ValueError: there are no choices.
    """
    if not choices:
        raise ValueError("no mention of the corpus has a concept of the knowledge base; do their identifiers match?")
    rng = random.Random(seed)
    epoch: list[Choice] = []
    for number in range(count):
        if replay is not None and number % 2:
            yield next(replay)
            continue
        if not epoch:
            epoch = rng.sample(choices, len(choices))
        choice = epoch.pop()
        if copy_share and rng.random() < copy_share:
            yield Pair(choice.mention, choice.surface)
            continue
        mention = choice.mention
        if noise_share and choice.surface and rng.random() < noise_share:
            mention = _respelled(mention, add_noise(choice.surface, rng))
        names = rng.choice(choice.targets)
        yield Pair(mention, rng.choices(names, weights[: len(names)])[0])


def _respelled(mention: Mention, surface: str) -> Mention:
    """The mention with another surface in its place."""
    return Context(mention.text[: mention.start], mention.text[mention.end :]).around(surface)
