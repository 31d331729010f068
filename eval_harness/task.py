"""A split of a benchmark under a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from angel_hf.knowledge_base import KnowledgeBase
from eval_harness.benchmark import Benchmark, Example
from eval_harness.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Task:
    """All that a predictor is given, and what it is asked.

    Args:
        protocol: how answers are scored.
        knowledge_base: as the protocol makes it.
        examples: what is asked.
        training: what may be learned from.
    """

    protocol: Protocol
    knowledge_base: KnowledgeBase
    examples: tuple[Example, ...]
    training: tuple[Example, ...]


def prepare_task(benchmark: Benchmark, source: Path, split: str, ontology: KnowledgeBase, protocol: Protocol) -> Task:
    """Load what a protocol allows; the split that is asked is never in the knowledge base or the training examples.

    Raises:
        ValueError, FileNotFoundError: the benchmark's files are not as released.
    """

    def load(splits: Sequence[str]) -> tuple[Example, ...]:
        return tuple(example for name in splits if name != split for example in benchmark.load(source, name))

    return Task(
        protocol=protocol,
        knowledge_base=protocol.knowledge_base(ontology, load(protocol.knowledge_base_splits)),
        examples=benchmark.load(source, split),
        training=load(protocol.training_splits),
    )
