"""The scopes of synonyms in ontologies: which of them count as names."""

from __future__ import annotations

from angel_hf.formats.selection import Selection

SCOPES = ("EXACT", "NARROW", "BROAD", "RELATED")
HEEDED = ("synonyms",)


def chosen_scopes(selection: Selection) -> frozenset[str]:
    """The scopes whose synonyms are names: those of the selection, else EXACT; `none` chooses no synonyms.

    Raises:
        ValueError: a scope is unknown.
    """
    chosen = {scope.upper() for scope in selection.synonyms}
    if chosen == {"ALL"}:
        return frozenset(SCOPES)
    if chosen == {"NONE"}:
        return frozenset()
    unknown = sorted(chosen - set(SCOPES))
    if unknown:
        raise ValueError(
            f"unknown synonym scope {', '.join(unknown)}; expected some of {', '.join(SCOPES)}, or all or none"
        )
    return frozenset(chosen or {"EXACT"})
