"""The page's work without the page: models by name, one visitor's choices, and answers."""

from __future__ import annotations

import copy
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.annotation.annotator import Annotator
from angel_hf.model.checkpoint import EMBEDDED_MODELS
from angel_hf.ranking.confidence import concept_shares
from angel_hf.results import Annotated
from angel_hf.types import Mention
from demo.counterpart import positive_counterpart
from demo.limits import VisitorError, checked_text

DEFAULT_MODEL = "angel-mini"
_MOST_MODELS = 3
_REPOSITORY = re.compile(r"\w[\w.-]*/[\w.-]+")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Visit:
    """One visitor's choices; nothing of it is shared with others.

    Args:
        model_name: an embedded model, a folder, or a Hub repository.
        knowledge_base: the visitor's own, or None for the model's.
        linker: the model with that knowledge base; its weights are shared, its names are not.
    """

    model_name: str
    knowledge_base: KnowledgeBase | None
    linker: AngelForEntityLinking

    @property
    def shown_name(self) -> str:
        """The model's name, of a folder without those above it."""
        return Path(self.model_name).name if Path(self.model_name).is_absolute() else self.model_name

    @property
    def is_calibrated(self) -> bool:
        """Whether confidence was fitted for what this visit links to."""
        return self.knowledge_base is None and self.linker.confidence is not None


class Workbench:
    """Keeps the models that were used last, and makes visits from them.

    Args:
        default: the model of visitors who choose none.
        folders: whether visitors may name local folders; only where they own the machine.
    """

    def __init__(self, default: str = DEFAULT_MODEL, folders: bool = False) -> None:
        self.default = default
        self._folders = folders
        self._models: OrderedDict[str, AngelForEntityLinking] = OrderedDict()
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}

    def visit(self, model_name: str | None = None, knowledge_base: KnowledgeBase | None = None) -> Visit:
        """A visit with a model and perhaps another knowledge base.

        Raises:
            VisitorError: the model is unavailable, has no names to link to, or cannot generate a name.
        """
        name = (model_name or "").strip() or self.default
        model = self._model(name)
        if knowledge_base is None:
            if model.knowledge_base is None:
                raise VisitorError(f"{name} comes without a knowledge base; upload one below and try again.")
            return Visit(name, None, model)
        # A shallow copy shares the weights; the names are set on the copy alone.
        own = copy.copy(model)
        try:
            own.set_knowledge_base(knowledge_base)
        except ValueError as error:
            raise VisitorError(f"The model cannot link to this knowledge base: {error}") from None
        return Visit(name, knowledge_base, own)

    def warm_up(self) -> None:
        """Load the default model and answer once, so that no visitor waits for a first call."""
        annotate(self.visit(), "Wilson disease (WD).")

    def _model(self, name: str) -> AngelForEntityLinking:
        with self._lock:
            loading = self._loading.setdefault(name, threading.Lock())
        # One lock a model, so that a download blocks only those who wait for it.
        with loading:
            with self._lock:
                if name in self._models:
                    self._models.move_to_end(name)
                    return self._models[name]
            try:
                model = self._load(name)
            finally:
                with self._lock:
                    self._loading.pop(name, None)
            with self._lock:
                self._models[name] = model
                for other in list(self._models):
                    if len(self._models) > _MOST_MODELS and other not in (self.default, name):
                        del self._models[other]
            return model

    def _load(self, name: str) -> AngelForEntityLinking:
        is_own = name in (self.default, positive_counterpart(self.default), *EMBEDDED_MODELS)
        if not (is_own or self._folders or (_REPOSITORY.fullmatch(name) and not Path(name).exists())):
            raise VisitorError(
                f"{name!r} is no model; expected {DEFAULT_MODEL}, or OWNER/NAME of a repository of the Hub."
            )
        try:
            return AngelForEntityLinking.from_pretrained(name).eval()
        except (OSError, ValueError, ImportError) as error:
            _LOG.warning("model %r: %s", name, error)
            # Brackets hold a deeper cause, with local paths in it.
            cause = str(error).partition(" (")[0].removeprefix(f"{name}: ")
            raise VisitorError(
                f"The model {name!r} could not be loaded: {cause}. Expected {DEFAULT_MODEL}, or OWNER/NAME of a "
                "repository of the Hub that holds an ANGEL or BART model."
            ) from None


def annotate(visit: Visit, text: str | None, precision: float | None = None) -> list[Annotated]:
    """The linked mentions of a text.

    Raises:
        VisitorError: there is no text, it is too long, or the model keeps no such precision.
    """
    try:
        return _annotator(visit, precision).annotate([checked_text(text)])[0]
    except VisitorError:
        raise
    except ValueError as error:
        raise VisitorError(str(error)) from None


def annotate_span(visit: Visit, text: str, start: int, end: int, precision: float | None = None) -> list[Annotated]:
    """Link a span that the visitor chose; one result for each part of a composite mention.

    Raises:
        VisitorError: the span is not one, or is too long to be read.
    """
    try:
        # A selection often takes the space beside a word with it.
        surface = text[start:end]
        mention = Mention(text, end - len(surface.lstrip()), start + len(surface.rstrip()))
        return _annotator(visit, precision).annotate_mentions([mention])[0]
    except ValueError as error:
        raise VisitorError(f"These words cannot be linked: {error}") from None


def with_span(annotated: Sequence[Annotated], chosen: Sequence[Annotated]) -> list[Annotated]:
    """The mentions of a text with those of a chosen span in the place of what it overlaps."""
    start, end = chosen[0].mention.start, chosen[0].mention.end
    kept = [one for one in annotated if one.mention.end <= start or end <= one.mention.start]
    return sorted([*kept, *chosen], key=lambda one: one.mention.start)


def as_row(visit: Visit, annotated: Annotated) -> dict[str, Any]:
    """An answer as the page's API and its batch files give it."""
    knowledge_base = visit.linker.knowledge_base
    assert knowledge_base is not None, "a visit has a knowledge base"
    shares = concept_shares(annotated.candidates)
    return {
        "start": annotated.mention.start,
        "end": annotated.mention.end,
        "text": annotated.mention.surface,
        "read_as": annotated.read_as,
        "confidence": None if annotated.confidence is None else round(annotated.confidence, 4),
        "nil": annotated.is_nil,
        "candidates": [
            {
                "name": candidate.name,
                "concept_ids": list(candidate.concept_ids),
                "mapped_ids": list(knowledge_base.mapped_ids(candidate.concept_ids)),
                "score": round(candidate.score, 4),
                "share": round(share, 4),
            }
            for candidate, share in zip(annotated.candidates, shares)
        ],
    }


def _annotator(visit: Visit, precision: float | None) -> Annotator:
    # Thresholds are those of the model's own names.
    return Annotator(visit.linker, precision=precision if visit.is_calibrated else None)
