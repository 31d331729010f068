"""A split of a benchmark under a protocol: everything that a predictor is given."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from eval_harness.corpus import Corpus
from eval_harness.example import Example, Query
from eval_harness.protocol import Protocol, gold_concepts, mention_strings


@dataclass(frozen=True, slots=True)
class Task:
    """Everything that a predictor is given.

    Args:
        protocol: how answers are scored.
        knowledge_base: as the protocol makes it.
        examples: to be linked.
        training: what may be learned from.
        fold: of the benchmark, or "".
        left_out: mentions of the split that the protocol leaves out, since the knowledge base lacks their concepts.
    """

    protocol: Protocol
    knowledge_base: KnowledgeBase
    examples: tuple[Example, ...]
    training: tuple[Example, ...]
    fold: str = ""
    left_out: tuple[Example, ...] = ()

    @property
    def queries(self) -> list[Query]:
        """Every mention of the split, without its gold."""
        return [Query(one.mention, one.document_id) for one in (*self.examples, *self.left_out)]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides about a predictor's answers and their scores."""
        digest = hashlib.sha256(repr((self.protocol, self.knowledge_base.fingerprint, self.fold)).encode())
        for example in (*self.examples, None, *self.training):
            digest.update(repr(example).encode())
        return digest.hexdigest()


def prepare_task(corpus: Corpus, split: str, protocol: Protocol, fold: str = "") -> Task:
    """Put together what a protocol allows; the evaluated split is never in the knowledge base or in training.

    Raises:
        ValueError, FileNotFoundError: the source is not as expected, or has no knowledge base that fits the protocol.
    """
    knowledge_base = protocol.knowledge_base(_names(corpus, split, protocol, fold))
    evaluated = corpus.examples(split, fold)
    left_out: tuple[Example, ...] = ()
    if protocol.absent == "left out":
        left_out = tuple(one for one in evaluated if not _is_known(one, knowledge_base))
    examples = tuple(one for one in evaluated if _is_known(one, knowledge_base)) if left_out else evaluated
    if not examples:
        raise ValueError(
            f"{corpus.benchmark.name} {split}: the knowledge base has none of the concepts of {len(evaluated):,} "
            "mentions; expected one that speaks the corpus's identifiers"
        )
    return Task(
        protocol=protocol,
        knowledge_base=knowledge_base,
        examples=examples,
        training=corpus.learnable(protocol.training_splits, split, fold),
        fold=fold,
        left_out=left_out,
    )


def _names(corpus: Corpus, split: str, protocol: Protocol, fold: str) -> KnowledgeBase:
    """The ontology, or the published knowledge base, or the ontology with strings of the corpus."""
    published = corpus.benchmark.published_names if protocol.mention_names == "published" else ()
    splits = protocol.training_splits if protocol.mention_names == "training" else published
    if protocol.mention_names == "published" and corpus.published_knowledge_base is not None and split == "test":
        return corpus.published_knowledge_base
    if corpus.ontology is None:
        comes = "the one that comes with it holds mention strings as names" if corpus.source.has_mention_strings else ""
        raise ValueError(
            f"protocol {protocol.name} on {corpus.benchmark.name} {split} needs a knowledge base of the ontology's own "
            f"names{'; ' if comes else ''}{comes}: give it with --knowledge-base ({corpus.benchmark.obtain})"
        )
    if not splits:
        return corpus.ontology
    strings = corpus.learnable(splits, split, fold)
    return corpus.ontology.with_names(mention_strings(corpus.ontology, strings))


def _is_known(example: Example, knowledge_base: KnowledgeBase) -> bool:
    return any(knowledge_base.resolve(concept_id) for concept_id in gold_concepts(example, knowledge_base))
