"""Which part of a vocabulary is read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

_OPTIONS = {
    "languages": "--language",
    "sources": "--source",
    "term_types": "--term-type",
    "semantic_types": "--semantic-type",
    "semantic_groups": "--semantic-group",
    "suppressed": "--suppressed",
    "synonyms": "--synonyms",
    "taxa": "--taxon",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader leaves out; nothing is said of what is left empty, and the reader's default holds.

    Args:
        languages: of names, as the vocabulary writes them or in ISO 639-1: `ENG` or `en`.
        sources: vocabularies within UMLS, by their abbreviations: `SNOMEDCT_US`.
        term_types: kinds of names within UMLS: `PT`.
        semantic_types: of UMLS by TUI or name, of SNOMED CT by semantic tag.
        semantic_groups: of UMLS by abbreviation or name: `DISO` or `Disorders`.
        suppressed: take names that UMLS marks as suppressed, too.
        synonyms: scopes of synonyms in OBO, OBO Graphs and OWL: `EXACT`.
        taxa: species of genes, by NCBI Taxonomy: `9606`.
    """

    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    term_types: tuple[str, ...] = ()
    semantic_types: tuple[str, ...] = ()
    semantic_groups: tuple[str, ...] = ()
    suppressed: bool = False
    synonyms: tuple[str, ...] = ()
    taxa: tuple[str, ...] = ()

    @property
    def given(self) -> tuple[str, ...]:
        """The names of what is set."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

    def check_heeded(self, heeded: Collection[str], format_name: str) -> None:
        """Refuse what a format knows nothing of.

        Raises:
            ValueError: something is set that is not among `heeded`.
        """
        unheard = [name for name in self.given if name not in heeded]
        if unheard:
            can = ", ".join(f"{_OPTIONS[name]} ({name})" for name in _OPTIONS if name in heeded) or "none"
            raise ValueError(
                f"{format_name} cannot be read by {', '.join(f'{_OPTIONS[name]} ({name})' for name in unheard)}; "
                f"of these options it heeds: {can}"
            )


EVERYTHING = Selection()
