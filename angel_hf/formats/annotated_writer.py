"""What writers of annotated documents share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from angel_hf.formats.document import Document
from angel_hf.results import Annotated

UNLINKED = "-1"
"""The identifier of a mention without a concept, as PubTator corpora write it."""


class AnnotatedWriter(Protocol):
    """Writes annotated documents in one format."""

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""

    def close(self) -> str | None:
        """Write what follows the last document; returns a remark for the user, if there is one."""


def identifier(one: Annotated) -> str:
    """The concepts of the best name, joined by a bar; `UNLINKED` where the answer is none."""
    return "|".join(one.best.concept_ids) if one.best is not None and not one.is_nil else UNLINKED
