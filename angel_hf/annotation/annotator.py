"""From raw text to concepts: mentions detected, read, linked, and weighed."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from weakref import WeakKeyDictionary

from angel_hf.annotation import DictionaryDetector, MentionDetector, expand_abbreviations, split_composite
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.model.modeling_angel import AngelForEntityLinking
from angel_hf.ranking.confidence import merge_candidates
from angel_hf.search.options import PUBLISHED, SearchOptions
from angel_hf.types import Annotated, Linked, Mention


class Annotator:
    """Finds and links the mentions of texts.

    Args:
        model: with a knowledge base.
        detector: what finds mentions; without one, the names of the model's knowledge base are looked up.
        precision: the precision at which low confidence becomes NIL, one of those stored with the model; without
            one only a mention without candidates is NIL.
        expand: write abbreviations out, as the text defines them.
        split: take composite mentions apart.
        options: what the search does otherwise than the published one.

    Raises:
        RuntimeError: the model has no knowledge base.
        ValueError: a precision that the model has no threshold for, or a model without confidence.
    """

    def __init__(
        self,
        model: AngelForEntityLinking,
        detector: MentionDetector | None = None,
        precision: float | None = None,
        expand: bool = True,
        split: bool = True,
        options: SearchOptions = PUBLISHED,
    ) -> None:
        _knowledge_base(model)
        if precision is not None and model.confidence is None:
            raise ValueError(
                f"precision {precision:g} was asked for, but the model has no confidence.json; fit it with "
                "angel_hf.training.calibration, or leave the precision out"
            )
        self.model = model
        self._detector = detector
        self.least_confidence = (
            model.confidence.threshold(precision) if model.confidence is not None and precision is not None else 0.0
        )
        self.expand = expand
        self.split = split
        self.options = options

    @property
    def names(self) -> DictionaryDetector:
        """The detector of the names that the model has now."""
        return name_detector(_knowledge_base(self.model), self.model.allowed_concepts)

    @property
    def detector(self) -> MentionDetector:
        """What finds the mentions: the detector that was given, or else that of the names."""
        return self._detector or self.names

    def annotate(
        self, texts: Sequence[str], top_k: int = 10, num_beams: int = 10, batch_size: int = 32
    ) -> list[list[Annotated]]:
        """The linked mentions of each text, in its order.

        Args:
            texts: as they come.
            top_k: most candidates for each mention; confidence comes from all that the search found.
            num_beams, batch_size: as for `model.link`.
        """
        detected = self.detector.detect(texts)
        mentions = [mention for of_text in detected for mention in of_text]
        annotated = iter(self.annotate_mentions(mentions, top_k, num_beams, batch_size))
        return [[part for _ in of_text for part in next(annotated)] for of_text in detected]

    def annotate_mentions(
        self, mentions: Sequence[Mention], top_k: int = 10, num_beams: int = 10, batch_size: int = 32
    ) -> list[list[Annotated]]:
        """Link given mentions: a list for each, of one result for each of its parts; options as for `annotate`.

        Raises:
            ValueError: more candidates are wanted than beams.
        """
        expanded = expand_abbreviations(mentions) if self.expand else mentions
        is_name = self.names.is_name
        parts = [split_composite(mention, is_name) if self.split else [mention] for mention in expanded]
        if not 1 <= top_k <= num_beams:
            raise ValueError(f"top_k={top_k} with num_beams={num_beams}; expected 1 <= top_k <= num_beams")
        # All names that the search finds: the confidence must not depend on how many candidates are wanted.
        flat = [part for of_mention in parts for part in of_mention]
        linked = iter(self.model.link(flat, num_beams, num_beams, batch_size, self.options))
        return [
            [self._annotated(mention, next(linked), top_k) for _ in of_mention]
            for mention, of_mention in zip(mentions, parts)
        ]

    def _annotated(self, mention: Mention, linked: Linked, top_k: int) -> Annotated:
        confidence = None if self.model.confidence is None else self.model.confidence.probability(linked)
        is_nil = linked.best is None or (confidence is not None and confidence < self.least_confidence)
        candidates = merge_candidates(linked.candidates)[:top_k]
        return Annotated(mention, candidates, linked.mention.surface, confidence, is_nil)


def _knowledge_base(model: AngelForEntityLinking) -> KnowledgeBase:
    if model.knowledge_base is None:
        raise RuntimeError("the model has no knowledge base to link to; call model.set_knowledge_base first")
    return model.knowledge_base


def name_detector(knowledge_base: KnowledgeBase, allowed_concepts: frozenset[str] | None = None) -> DictionaryDetector:
    """The detector of a knowledge base's names, made once and kept as long as the knowledge base lives.

    Args:
        knowledge_base: with the names.
        allowed_concepts: only the names of these; all where None. Of such parts, those asked for last are kept.
    """
    with _LOCK:
        detectors = _DETECTORS.setdefault(knowledge_base, {})
        found = detectors.get(allowed_concepts)
    if found is None:
        found = _made(knowledge_base, allowed_concepts)
    with _LOCK:
        # The part asked for last comes last, so that the first is the one to go.
        detectors.pop(allowed_concepts, None)
        detectors[allowed_concepts] = found
        parts = [part for part in detectors if part is not None]
        for part in parts[:-_PARTS_KEPT]:
            del detectors[part]
    return found


def _made(knowledge_base: KnowledgeBase, allowed_concepts: frozenset[str] | None) -> DictionaryDetector:
    if allowed_concepts is None:
        return DictionaryDetector.from_knowledge_base(knowledge_base)
    return DictionaryDetector(name for one in allowed_concepts for name in knowledge_base.concept(one).names)


_PARTS_KEPT = 8
_DETECTORS: WeakKeyDictionary[KnowledgeBase, dict[frozenset[str] | None, DictionaryDetector]] = WeakKeyDictionary()
_LOCK = Lock()
