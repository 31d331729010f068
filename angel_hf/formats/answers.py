"""Documents with their answers, as writers take them: given mentions linked, or mentions found and linked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from angel_hf.formats.document import Document
from angel_hf.results import Annotated
from angel_hf.types import Linked

UNLINKED = "-1"
"""The identifier of a mention without a concept, as PubTator corpora write it."""

MappedIds = Callable[[Sequence[str]], Sequence[str]]
"""The other identifiers of a candidate's concepts, as `KnowledgeBase.mapped_ids` gives them."""


def nothing_mapped(concept_ids: Sequence[str]) -> Sequence[str]:
    """The `MappedIds` of a knowledge base that knows no other identifiers."""
    return ()


@dataclass(frozen=True, slots=True)
class LinkedDocument:
    """A document and what its given mentions were linked to.

    Args:
        document: its annotations are the mentions.
        linked: of each annotation, with the text as it came.
        read_as: each mention as the model read it, abbreviations written out.
    """

    document: Document
    linked: tuple[Linked, ...]
    read_as: tuple[str, ...]


class LinkedWriter(Protocol):
    """Writes documents whose given mentions were linked, in one format."""

    def write(self, linked: LinkedDocument) -> None:
        """Write one document."""

    def close(self) -> str | None:
        """Write what follows the last document; returns a remark for the user, if there is one."""


class AnnotatedWriter(Protocol):
    """Writes annotated documents in one format."""

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""

    def close(self) -> str | None:
        """Write what follows the last document; returns a remark for the user, if there is one."""


def identifier(answer: Linked) -> str:
    """The concepts of the best name, joined by a bar; `UNLINKED` where the answer is none."""
    is_nil = isinstance(answer, Annotated) and answer.is_nil
    return UNLINKED if answer.best is None or is_nil else "|".join(answer.best.concept_ids)
