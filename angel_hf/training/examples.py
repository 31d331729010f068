"""From a knowledge base and an annotated corpus to training pairs: a mention, and the name to answer with."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer

from angel_hf.knowledge_base import KnowledgeBase, normalize
from angel_hf.processing_angel import AngelProcessor
from angel_hf.readers.pubtator import Document
from angel_hf.training.noise import add_noise
from angel_hf.types import Mention

# Share of copies once copying is learned.
LAST_COPIES = 0.25


@dataclass(frozen=True, slots=True)
class Pair:
    """A mention and a normalised name of its concept."""

    mention: Mention
    target: str


@dataclass(frozen=True, slots=True)
class Context:
    """What stands left and right of an annotated mention in a real text."""

    left: str
    right: str

    def around(self, surface: str) -> Mention:
        """A mention of `surface` between the two sides."""
        return Mention(f"{self.left}{surface}{self.right}", len(self.left), len(self.left) + len(surface))


class ConceptNames:
    """The normalised names of each concept, and which of them are nearest to a string.

    Nearness is the cosine of TF-IDF vectors of 2 to 4 characters, fitted on all names; grams that reach over a space
    let "skin cancer" be nearer to "skin tumour" than "cancer skin" is.
    """

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self.knowledge_base = knowledge_base
        self.names: dict[str, tuple[str, ...]] = {
            concept.concept_id: tuple(
                dict.fromkeys(normalize(name, knowledge_base.normalization) for name in concept.names)
            )
            for concept in knowledge_base.concepts()
        }
        self._vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
        self._vectorizer.fit(name for names in self.names.values() for name in names)

    def nearest(self, surface: str, concept_id: str, k: int) -> list[str]:
        """The k names of a concept nearest to a normalised surface, best first; ties keep the concept's order."""
        names = self.names[concept_id]
        similarity = self._vectorizer.transform(names) @ self._vectorizer.transform([surface]).T
        order = np.argsort(-similarity.toarray()[:, 0], kind="stable")
        return [names[position] for position in order[:k]]

    def nearest_synonyms(self) -> dict[str, list[str]]:
        """For each concept of two names or more, the other name nearest to each of its names, in their order."""
        found = {}
        several = {concept_id: names for concept_id, names in self.names.items() if len(names) > 1}
        vectors = self._vectorizer.transform([name for names in several.values() for name in names])
        start = 0
        for concept_id, names in several.items():
            rows = vectors[start : start + len(names)]
            start += len(names)
            similarity = (rows @ rows.T).toarray()
            np.fill_diagonal(similarity, -1.0)
            found[concept_id] = [names[position] for position in similarity.argmax(axis=1)]
        return found


def corpus_contexts(documents: Iterable[Document], max_words: int = 24) -> list[Context]:
    """Both sides of every annotated mention, each cut to at most `max_words` words."""
    contexts = []
    for document in documents:
        text = document.text
        for annotation in document.annotations:
            left = text[: annotation.start].split(" ")[-max_words:]
            right = text[annotation.end :].split(" ")[:max_words]
            contexts.append(Context(" ".join(left), " ".join(right)))
    return contexts


def pretraining_pairs(
    concept_names: ConceptNames,
    contexts: Sequence[Context],
    count: int,
    seed: int,
    first_copies: float = 0.7,
    last_copies: float = LAST_COPIES,
    copies_settle: int = 36_000,
    nearest_share: float = 0.6,
    context_share: float = 0.15,
) -> Iterator[Pair]:
    """Pairs from a knowledge base alone, in training order: copies of noised names, and names to synonyms.

    Args:
        concept_names: the knowledge base.
        contexts: real contexts that a `context_share` of the names is put into.
        count: number of pairs.
        seed: of every choice made here.
        first_copies: share of copies at the start, so that copying is learned first.
        last_copies: share of copies after `copies_settle` pairs, with a straight line between.
        copies_settle: number of pairs until then.
        nearest_share: how many synonym pairs aim at the nearest other name rather than at any other.
        context_share: how many mentions stand in a context.
    """
    rng = random.Random(seed)
    all_names = [
        (concept_id, position) for concept_id, names in concept_names.names.items() for position in range(len(names))
    ]
    nearest = concept_names.nearest_synonyms()
    with_synonyms = [(concept_id, position) for concept_id, position in all_names if concept_id in nearest]
    for number in range(count):
        copies = last_copies + (first_copies - last_copies) * max(0.0, 1 - number / copies_settle)
        if rng.random() < copies:
            concept_id, position = rng.choice(all_names)
            target = concept_names.names[concept_id][position]
            surface = add_noise(target, rng) if rng.random() < 0.6 else target
        else:
            concept_id, position = rng.choice(with_synonyms)
            names = concept_names.names[concept_id]
            surface = add_noise(names[position], rng) if rng.random() < 0.15 else names[position]
            if rng.random() < nearest_share:
                target = nearest[concept_id][position]
            else:
                target = names[(position + rng.randrange(1, len(names))) % len(names)]
        if contexts and rng.random() < context_share:
            mention = rng.choice(contexts).around(surface)
        else:
            mention = Mention(surface, 0, len(surface))
        yield Pair(mention, target)


def corpus_choices(
    documents: Iterable[Document], concept_names: ConceptNames, k: int = 3
) -> list[tuple[Mention, list[list[str]]]]:
    """Each annotated mention with, for each of its concepts, the k nearest names, best first.

    An identifier that joins several by `|` or `+` gives several concepts; those that the knowledge base
    does not know are left out, and mentions without any.
    """
    choices = []
    nearest: dict[tuple[str, str], list[str]] = {}
    for document in documents:
        for annotation in document.annotations:
            surface = normalize(annotation.surface, concept_names.knowledge_base.normalization)
            targets = []
            for concept_id in gold_concepts(annotation.identifier or "", concept_names.knowledge_base):
                key = surface, concept_id
                if key not in nearest:
                    nearest[key] = concept_names.nearest(surface, concept_id, k)
                targets.append(nearest[key])
            if targets:
                choices.append((Mention(document.text, annotation.start, annotation.end), targets))
    return choices


def gold_concepts(identifier: str, knowledge_base: KnowledgeBase) -> list[str]:
    """The knowledge base's ids for a corpus identifier, alternative ids resolved: `D1|D2`, `D1+OMIM:2`, `MESH:D1`."""
    parts = [part.strip().removeprefix("MESH:") for part in identifier.replace("+", "|").split("|")]
    resolved = [knowledge_base.resolve(part) for part in parts]
    return list(dict.fromkeys(concept_id for concept_id in resolved if concept_id is not None))


def fine_tuning_pairs(
    choices: Sequence[tuple[Mention, list[list[str]]]],
    replay: Iterator[Pair],
    count: int,
    seed: int,
    weights: Sequence[float] = (0.5, 0.3, 0.2),
) -> Iterator[Pair]:
    """Pairs of corpus mentions in shuffled epochs, every other pair replayed from pretraining.

    Args:
        choices: from `corpus_choices`.
        replay: pretraining pairs, at least half of `count`.
        count: number of pairs in all.
        seed: of the order and of the choice among concepts and names.
        weights: how often the first, second, third nearest name is the target.
    """
    rng = random.Random(seed)
    epoch: list[tuple[Mention, list[list[str]]]] = []
    for number in range(count):
        if number % 2:
            yield next(replay)
            continue
        if not epoch:
            epoch = rng.sample(choices, len(choices))
        mention, targets = epoch.pop()
        names = rng.choice(targets)
        yield Pair(mention, rng.choices(names, weights[: len(names)])[0])


def encode_pairs(pairs: Iterable[Pair], processor: AngelProcessor, max_target_length: int = 96) -> Dataset:
    """Token ids of pairs, in their order.

    Pairs that do not fit are left out: a mention longer than the encoder reads, prefix and target together
    longer than `max_target_length`.

    Returns:
        columns `input_ids`, `prefix_ids`, `target_ids` (end token included): a list of ids a row.
    """
    kept = [pair for pair in pairs if len(pair.mention.surface) < 2 * processor.max_source_length]
    encoder_ids, prefix_ids = processor.encode_mentions([pair.mention for pair in kept])
    end = processor.tokenizer.eos_token_id
    target_ids = [[*ids, end] for ids in processor.encode_names([pair.target for pair in kept])]
    columns: dict[str, list[list[int]]] = {"input_ids": [], "prefix_ids": [], "target_ids": []}
    for row in zip(encoder_ids, prefix_ids, target_ids, strict=True):
        if len(row[1]) + len(row[2]) <= max_target_length:
            for column, ids in zip(columns.values(), row, strict=True):
                column.append(ids)
    return Dataset.from_dict(columns)


def group_by_length(dataset: Dataset, batch_size: int, seed: int, window: int = 64) -> Dataset:
    """Reorder rows so that a batch holds rows of like length, and the order at large stays.

    Each run of `window` batches is sorted by length and cut into batches, which are then shuffled.
    Rows beyond the last full batch are left out.
    """
    # A decoder token costs about twice an encoder's: cross-attention, and the projection to the vocabulary.
    columns = (("input_ids", 1), ("prefix_ids", 2), ("target_ids", 2))
    lengths = np.sum([[cost * len(ids) for ids in dataset[name][:]] for name, cost in columns], axis=0)
    rng = np.random.default_rng(seed)
    order = []
    full = len(lengths) - len(lengths) % batch_size
    for start in range(0, full, window * batch_size):
        rows = np.arange(start, min(start + window * batch_size, full))
        batches = rows[np.argsort(lengths[rows], kind="stable")].reshape(-1, batch_size)
        order.append(rng.permutation(batches).reshape(-1))
    return dataset.select(np.concatenate(order) if order else [])
