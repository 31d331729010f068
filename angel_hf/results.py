"""Linked mentions with more than their candidates: a proof, or what annotation adds."""

from __future__ import annotations

from dataclasses import dataclass

from angel_hf.types import Linked, Mention


@dataclass(frozen=True, slots=True)
class Proven(Linked):
    """A linked mention whose candidates come from an exact search."""

    is_proven: bool = False  # no other name has a better score; False where the search ended at its limit
    expansions: int = 0  # nodes of the trie that were expanded


@dataclass(frozen=True, slots=True)
class Annotated(Linked):
    """A linked mention of an annotated text; `mention` has the offsets of the text as it was given.

    A composite mention gives one for each of its parts, with the same offsets. Of the candidates that share a concept
    only the best is listed.

    Args:
        read_as: what was linked: the surface with abbreviations written out, or a part of a composite mention.
        confidence: probability that the first candidate is right, or None where the model has none fitted.
        is_nil: whether to answer nothing: there is no candidate, or the confidence is too low for the requested
            precision.
    """

    read_as: str = ""
    confidence: float | None = None
    is_nil: bool = False

    @property
    def mention_read(self) -> Mention:
        """What was linked, in a text in which `read_as` stands in the mention's place."""
        text = self.mention.text[: self.mention.start] + self.read_as + self.mention.text[self.mention.end :]
        return Mention(text, self.mention.start, self.mention.start + len(self.read_as))
