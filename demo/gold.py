"""Abstracts with known right answers, to see which of two models is right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import angel_hf
from angel_hf import KnowledgeBase, Mention
from angel_hf.formats.pubtator import read_pubtator

_CORPUS = Path(angel_hf.__file__).parent / "assets" / "examples" / "ncbi-disease.pubtator"


@dataclass(frozen=True, slots=True)
class Gold:
    """An annotated mention and the concepts that are right for it, as its corpus spells them."""

    mention: Mention
    concept_ids: tuple[str, ...]

    def resolved(self, knowledge_base: KnowledgeBase) -> frozenset[str]:
        """The right concepts by the identifiers of a knowledge base; those that it lacks stay as they are."""
        return frozenset(knowledge_base.resolve(one) or one for one in self.concept_ids)


@cache
def gold_texts() -> dict[str, tuple[Gold, ...]]:
    """The annotated mentions of each abstract that the package holds, by its text."""
    return {
        document.text: tuple(
            Gold(
                Mention(document.text, one.start, one.end),
                tuple(
                    part.strip().removeprefix("MESH:") for part in (one.identifier or "").replace("+", "|").split("|")
                ),
            )
            for one in document.annotations
        )
        for document in read_pubtator(_CORPUS)
    }
