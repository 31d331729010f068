"""Properties of mentions, by which results are broken down."""

from __future__ import annotations

import re
from dataclasses import dataclass

from angel_hf.text.reading import normalize
from eval_harness.example import Example
from eval_harness.protocol import gold_concepts
from eval_harness.task import Task


@dataclass(frozen=True, slots=True)
class Flags:
    """Properties of a mention in a task, none of which depends on a predictor.

    Args:
        seen_mention: its normalised string occurs in training.
        seen_concept: one of its concepts does.
        exact_name: its normalised string is a name in the knowledge base, of whatever concept.
        ambiguous_name: that name stands for several concepts.
        in_knowledge_base: one of its concepts is there.
        composite: it stands for several concepts.
        words: number of words of its normalised string.
        abbreviation: as the corpus spells it, it looks like one; None where letter case is lost.
    """

    seen_mention: bool
    seen_concept: bool
    exact_name: bool
    ambiguous_name: bool
    in_knowledge_base: bool
    composite: bool
    words: int
    abbreviation: bool | None


def flag_examples(task: Task) -> list[Flags]:
    """The flags of each example of a task, in order."""
    knowledge_base = task.knowledge_base
    strings = {normalize(one.mention.surface, knowledge_base.normalization) for one in task.training}
    concepts = {concept_id for one in task.training for concept_id in gold_concepts(one, knowledge_base)}
    cased = any(_spelled(one) != _spelled(one).lower() for one in task.examples)

    def flag(example: Example) -> Flags:
        string = normalize(example.mention.surface, knowledge_base.normalization)
        gold = gold_concepts(example, knowledge_base)
        entry = knowledge_base.find(example.mention.surface)
        return Flags(
            seen_mention=string in strings,
            seen_concept=not gold.isdisjoint(concepts),
            exact_name=entry is not None,
            ambiguous_name=entry is not None and len(knowledge_base.entry_concept_ids(entry)) > 1,
            in_knowledge_base=any(map(knowledge_base.resolve, gold)),
            composite=example.is_composite,
            words=len(string.split()),
            abbreviation=is_abbreviation(_spelled(example)) if cased else None,
        )

    return [flag(example) for example in task.examples]


def is_abbreviation(mention: str) -> bool:
    """Whether a mention is one word of 2 to 10 characters with two capitals or more, as in "HD" or "T-PLL"."""
    return re.fullmatch(r"\S{2,10}", mention) is not None and sum(map(str.isupper, mention)) >= 2


def _spelled(example: Example) -> str:
    return example.released or example.mention.surface
