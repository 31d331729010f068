"""Options that choose a part of a vocabulary."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from angel_hf.formats.selection import Selection

# `Amino Acid, Peptide, or Protein` is one semantic type.
_COMMA = re.compile(r",(?!\s)")

Languages = Annotated[
    list[str] | None,
    typer.Option(
        "--language",
        help="Of UMLS and SNOMED CT: the language of names, as ENG, en or en-GB. Default: English.",
        show_default=False,
    ),
]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="Of UMLS: vocabularies, as SNOMEDCT_US,MSH. Default: all.", show_default=False),
]
SemanticTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--semantic-type",
        help="Of UMLS: by TUI or name, as T047; of SNOMED CT: by semantic tag, as disorder. Default: all.",
        show_default=False,
    ),
]
SemanticGroups = Annotated[
    list[str] | None,
    typer.Option("--semantic-group", help="Of UMLS: as DISO or Disorders. Default: all.", show_default=False),
]
TermTypes = Annotated[
    list[str] | None,
    typer.Option("--term-type", help="Of UMLS: kinds of names, as PT,SY. Default: all.", show_default=False),
]
Suppressed = Annotated[
    bool, typer.Option("--suppressed", help="Of UMLS: take names that are marked as suppressed, too.")
]
Taxa = Annotated[
    list[str] | None,
    typer.Option("--taxon", help="Of NCBI Gene: species, as 9606. Default: all.", show_default=False),
]
Synonyms = Annotated[
    list[str] | None,
    typer.Option(
        "--synonyms",
        help="Of OBO, OBO Graphs and OWL: scopes of synonyms that are names, as exact,related,narrow. Default: exact.",
        show_default=False,
    ),
]


def values(given: list[str] | None) -> tuple[str, ...]:
    """The values of an option: given again, or joined by commas without a space after them."""
    return tuple(value for one in given or () for part in _COMMA.split(one) if (value := part.strip()))


def selection_of(**given: list[str] | bool | None) -> Selection:
    """A selection of what options say, by the names of its parts."""
    return Selection(**{name: value if isinstance(value, bool) else values(value) for name, value in given.items()})  # type: ignore[arg-type]
