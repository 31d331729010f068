"""What linking may do otherwise than the published search."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Named departures from the published search; by default there are none.

    Args:
        context_tokens: most tokens of context that the encoder reads, those on both sides of the mention together; 0:
            the mention alone; None: all that the processor's window holds.
        first_beams: so many beams search first, and all of them only for the mentions that are left in doubt; None:
            all at once. A mention that is not in doubt gets no more than `first_beams` candidates.
        margin: with `first_beams`, a mention is in doubt where the score of the first concept leads that of the next
            by less.
        verbatim_first: a name that is spelled as the mention, in the knowledge base's normalised form, is the first
            candidate whatever its score, and has its score even if the beams lose it. Where only one candidate is
            wanted, such mentions are not searched for at all.
        exact: in place of beams, search the whole trie until no name that is not among the `top_k` can be better; each
            answer is a `Proven`.
        max_expansions: with `exact`, nodes of the trie to look into for a mention; beyond these its answer is what
            was found, no worse than that of beams, and not proven.

    Raises:
        ValueError: a number is out of its range, or `exact` is asked for together with `first_beams` or
            `verbatim_first`.
    """

    context_tokens: int | None = None
    first_beams: int | None = None
    margin: float = 0.5
    verbatim_first: bool = False
    exact: bool = False
    max_expansions: int = 2000

    def __post_init__(self) -> None:
        if self.context_tokens is not None and self.context_tokens < 0:
            raise ValueError(f"context_tokens={self.context_tokens}; expected 0 or more, or None for all that fit")
        if self.first_beams is not None and self.first_beams < 2:
            raise ValueError(
                f"first_beams={self.first_beams}; expected 2 or more, since one finds nothing to be in doubt about, or "
                "None for all beams at once"
            )
        if self.margin < 0:
            raise ValueError(f"margin={self.margin:g}; expected 0 or more, a difference of mean log-probabilities")
        if self.max_expansions < 1:
            raise ValueError(f"max_expansions={self.max_expansions}; expected 1 or more")
        if self.exact and self.first_beams is not None:
            raise ValueError("exact with first_beams: an exact search has no beams; expected one of the two")
        if self.exact and self.verbatim_first:
            raise ValueError(
                "exact with verbatim_first: the one proves that no name has a better score than the first, the other "
                "puts names first whatever their score; expected one of the two"
            )


PUBLISHED = SearchOptions()
"""The published search, as it is."""
