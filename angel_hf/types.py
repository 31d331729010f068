"""The values that pass between the stages of linking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of a text that names something to be linked.

    `text` is the text around the mention, or the mention alone; `start` and `end` are the offsets of its first
    character and after its last, in code points.

    Raises:
        ValueError: the span is empty, blank or outside the text.
    """

    text: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= len(self.text):
            raise ValueError(
                f"mention span {self.start}:{self.end} does not fit its text of {len(self.text)} characters; "
                "expected 0 <= start < end <= len(text), counted in characters from 0"
            )
        if not self.surface.strip():
            raise ValueError(f"mention span {self.start}:{self.end} holds only white space; expected a name")

    @property
    def surface(self) -> str:
        """The mention as it is spelled in the text."""
        return self.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name of the knowledge base proposed for a mention.

    `score` is the mean natural log-probability of the name's tokens, end token included; after ranking stages, the
    natural logarithm of the name's share of the mention. 0 is certainty. `concept_ids` are all concepts that bear the
    name, in knowledge-base order. `because` is the ranking stage that put the first candidate there, "" of others.
    """

    name: str
    concept_ids: tuple[str, ...]
    score: float
    because: str = ""


@dataclass(frozen=True, slots=True)
class Linked:
    """A mention with its candidates, best first."""

    mention: Mention
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate | None:
        """The first candidate, or None where the search found no name."""
        return self.candidates[0] if self.candidates else None


@dataclass(frozen=True, slots=True)
class Question:
    """A mention as a search reads it, in ids only.

    `surface_ids` spell the mention as a name of the knowledge base, without end token; empty where no search needs it.
    """

    source_ids: Sequence[int]  # of the encoder, special tokens included
    prefix_ids: Sequence[int]  # of the decoder: start token and prefix
    surface_ids: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One name found by the search, in ids only."""

    token_ids: tuple[int, ...]  # of the target: the tokens after the prefix, end token included
    score: float  # mean of `token_logprobs` under a length penalty of 1
    token_logprobs: tuple[float, ...]  # of each of `token_ids` given those before; natural logarithm
    name_index: int  # in the trie


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept with its names, the preferred one first.

    `alternative_ids` are its own (ALT_ID of MEDIC, alt_id of OBO), `cross_references` of equal or close concepts in
    other vocabularies, as `MESH:D001943`; `parents` are ids, `retired_ids` such as it may replace, among several.
    """

    concept_id: str
    names: tuple[str, ...]
    alternative_ids: tuple[str, ...] = ()
    semantic_types: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    cross_references: tuple[str, ...] = ()
    retired_ids: tuple[str, ...] = ()
