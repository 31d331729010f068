"""From raw text to concepts: mentions detected, read, linked, and weighed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from angel_hf.annotation import DictionaryDetector, MentionDetector, expand_abbreviations, split_composite
from angel_hf.annotation.detector_cache import cached_name_detector
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.ranking.confidence import Confidence, merge_candidates
from angel_hf.results import Annotated
from angel_hf.search.batches import Search
from angel_hf.search.beam import BeamSearch
from angel_hf.types import Linked, Mention

_MENTIONS_AT_ONCE = 2048


class Linker(Protocol):
    """What an Annotator needs of a model."""

    @property
    def knowledge_base(self) -> KnowledgeBase | None:
        """What is linked to; None where no names are attached."""

    @property
    def allowed_concepts(self) -> frozenset[str] | None:
        """The concepts to which the model is restricted; None for all."""

    @property
    def confidence(self) -> Confidence | None:
        """The calibrated confidence, where one was fitted."""

    def link(
        self, mentions: Sequence[Mention], top_k: int, search: Search, batch_size: int, context_tokens: int | None
    ) -> list[Linked]:
        """The candidates of each mention, in the order given."""


class Annotator:
    """Finds and links the mentions of texts.

    Args:
        model: with a knowledge base.
        detector: finds mentions; without one, the names of the model's knowledge base are looked up.
        precision: the precision at which low confidence becomes NIL, one of those stored with the model; without
            one only a mention without candidates is NIL.
        expand: write abbreviations out, as the text defines them.
        split: take composite mentions apart.
        search: how names are searched for.
        context_tokens: most tokens of context that the model reads; None: all that fit.

    Raises:
        RuntimeError: the model has no knowledge base.
        ValueError: a precision that the model has no threshold for, or a model without confidence.
    """

    def __init__(
        self,
        model: Linker,
        detector: MentionDetector | None = None,
        precision: float | None = None,
        expand: bool = True,
        split: bool = True,
        search: Search = BeamSearch(),  # noqa: B008  # a frozen value
        context_tokens: int | None = None,
    ) -> None:
        _knowledge_base(model)
        self.model = model
        self._detector = detector
        self.least_confidence = 0.0 if precision is None else _threshold(model, precision)
        self.expand = expand
        self.split = split
        self.search = search
        self.context_tokens = context_tokens

    @property
    def name_detector(self) -> DictionaryDetector:
        """The detector of the names that the model has now."""
        return cached_name_detector(_knowledge_base(self.model), self.model.allowed_concepts)

    @property
    def detector(self) -> MentionDetector:
        """The given detector, or else that of the names."""
        return self._detector or self.name_detector

    def annotate(self, texts: Sequence[str], top_k: int = 10, batch_size: int = 32) -> list[list[Annotated]]:
        """The linked mentions of each text, in its order.

        Args:
            texts: raw; offsets count their characters.
            top_k: most candidates for each mention; confidence comes from all that the search found.
            batch_size: as for `model.link`.

        Raises:
            RuntimeError: the model has lost its knowledge base.
            ValueError: `top_k` is not between 1 and the beams of the search.
        """
        detected = self.detector.detect(texts)
        mentions = [mention for of_text in detected for mention in of_text]
        annotated = iter(self.annotate_mentions(mentions, top_k, batch_size))
        return [[part for _ in of_text for part in next(annotated)] for of_text in detected]

    def annotate_mentions(
        self, mentions: Sequence[Mention], top_k: int = 10, batch_size: int = 32
    ) -> list[list[Annotated]]:
        """Link given mentions: a list for each, of one result for each of its parts; arguments as for `annotate`.

        Raises:
            RuntimeError: the model has lost its knowledge base.
            ValueError: `top_k` is not between 1 and the beams of the search.
        """
        most = self.search.num_beams
        if not 1 <= top_k <= most:
            raise ValueError(f"top_k={top_k} with num_beams={most}; expected 1 <= top_k <= num_beams")
        # In runs, so that what a long text holds in between is bounded.
        runs = (mentions[first : first + _MENTIONS_AT_ONCE] for first in range(0, len(mentions), _MENTIONS_AT_ONCE))
        return [found for run in runs for found in self._annotate_run(run, top_k, batch_size)]

    def _annotate_run(self, mentions: Sequence[Mention], top_k: int, batch_size: int) -> list[list[Annotated]]:
        expanded = expand_abbreviations(mentions) if self.expand else mentions
        is_name = self.name_detector.is_name
        parts = [split_composite(mention, is_name) if self.split else [mention] for mention in expanded]
        flat = [part for of_mention in parts for part in of_mention]
        # All names that the search finds, since the confidence must not depend on `top_k`.
        linked = iter(self.model.link(flat, self.search.num_beams, self.search, batch_size, self.context_tokens))
        return [
            [self._annotated(mention, next(linked), top_k) for _ in of_mention]
            for mention, of_mention in zip(mentions, parts)
        ]

    def _annotated(self, mention: Mention, linked: Linked, top_k: int) -> Annotated:
        confidence = None if self.model.confidence is None else self.model.confidence.probability(linked)
        is_nil = linked.best is None or (confidence is not None and confidence < self.least_confidence)
        candidates = merge_candidates(linked.candidates)[:top_k]
        return Annotated(mention, candidates, linked.mention.surface, confidence, is_nil)


def _knowledge_base(model: Linker) -> KnowledgeBase:
    if model.knowledge_base is None:
        raise RuntimeError("the model has no knowledge base to link to; call model.set_knowledge_base first")
    return model.knowledge_base


def _threshold(model: Linker, precision: float) -> float:
    if model.confidence is None:
        raise ValueError(
            f"precision {precision:g} needs a model with confidence.json, and this one has none; fit it with "
            "angel_hf.training.calibration, or leave the precision out"
        )
    return model.confidence.threshold(precision)
