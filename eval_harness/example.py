"""An annotated mention: the unit that every benchmark is made of."""

from __future__ import annotations

from dataclasses import dataclass

from angel_hf.types import Mention

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Example:
    """An annotated mention.

    Args:
        mention: with the text around it.
        gold: concept ids as the corpus has them, one tuple for each part of a composite mention ("breast and
            ovarian cancer" has two); a part that only several concepts together describe lists them all. It is
            empty where the corpus found no concept.
        document_id: of the document that the mention stands in.
        semantic_types: as the corpus annotates them.
        released: the mention as the corpus spells it, where `mention` was changed since; else empty.
    """

    mention: Mention
    gold: tuple[tuple[str, ...], ...]
    document_id: str
    semantic_types: tuple[str, ...] = ()
    released: str = ""

    @property
    def concept_ids(self) -> tuple[str, ...]:
        """The ids of all parts, each once."""
        return tuple(dict.fromkeys(concept_id for part in self.gold for concept_id in part))

    @property
    def is_composite(self) -> bool:
        """Whether the mention names several things, or one that several concepts describe."""
        return len(self.concept_ids) > 1


@dataclass(frozen=True, slots=True)
class Query:
    """A mention of a benchmark as a predictor sees it: without gold.

    Args:
        mention: to be linked.
        document_id: of its document; with the offsets it names the mention in prediction files.
    """

    mention: Mention
    document_id: str
