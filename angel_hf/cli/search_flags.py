"""The flags of the search, and the search that they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from angel_hf.cli.failure import InputError

if TYPE_CHECKING:
    from angel_hf.search import BeamSearch
    from angel_hf.search import VerbatimFirst as VerbatimFirstSearch

MOST_BEAMS = 1000
"""Beams beyond this take gigabytes for a batch, and find nothing more."""
MOST_MENTIONS_AT_ONCE = 100_000

TopK = Annotated[int, typer.Option(min=1, max=MOST_BEAMS, help="Names for each mention.")]
NumBeams = Annotated[int, typer.Option(min=1, max=MOST_BEAMS, help="Beams of the search, not fewer than names.")]
BatchSize = Annotated[int, typer.Option(min=1, max=MOST_MENTIONS_AT_ONCE, help="Mentions at once.")]
ContextTokens = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Read at most so many tokens around a mention, which is faster. Default: all that fit.",
        show_default=False,
    ),
]
VerbatimFirst = Annotated[
    bool,
    typer.Option(
        "--verbatim-first",
        help="Put a name that is spelled as the mention before all others. Default: the best score is first.",
    ),
]


@dataclass(frozen=True, slots=True)
class SearchFlags:
    """How names are searched for.

    Args:
        top_k: names for each mention.
        search: with at least as many beams.
        context_tokens: most tokens of context that are read; None: all that fit.
    """

    top_k: int
    search: BeamSearch | VerbatimFirstSearch
    context_tokens: int | None


def build_search(
    top_k: int, num_beams: int, context_tokens: int | None = None, verbatim_first: bool = False
) -> SearchFlags:
    """The search of a command's flags.

    Raises:
        InputError: more names than beams.
    """
    # Here, so that help loads no library.
    from angel_hf.search import BeamSearch
    from angel_hf.search import VerbatimFirst as VerbatimFirstSearch

    if top_k > num_beams:
        raise InputError(f"--top-k {top_k} with --num-beams {num_beams}; expected at least as many beams as names")
    beams = BeamSearch(num_beams)
    return SearchFlags(top_k, VerbatimFirstSearch(beams) if verbatim_first else beams, context_tokens)
