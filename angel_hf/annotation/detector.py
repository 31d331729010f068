"""The protocol of detectors: they find mentions in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from angel_hf.types import Mention


class MentionDetector(Protocol):
    """Finds mentions. Anything with this method can be given to `model.annotate`."""

    def detect(self, texts: Sequence[str]) -> list[list[Mention]]:
        """The mentions of each text, in its order, none inside another; `mention.text` is the whole text."""
