"""The names of UMLS: which are wanted, and which of a concept's names is the preferred one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from angel_hf.formats.selection import Selection
from angel_hf.formats.term import Retired
from angel_hf.formats.vocabularies.languages import umls_language
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier
from angel_hf.formats.vocabularies.semantic_network import selected_types

ATOM_COLUMNS = ("CUI", "LAT", "TS", "STT", "ISPREF", "SAB", "TTY", "CODE", "STR", "SUPPRESS")
_DEFAULT_LANGUAGE = "ENG"
_NO_CODE = ("NOCODE", "")
_OWN_SOURCES = ("MTH", "SRC")  # of UMLS itself: their codes are no identifiers of another vocabulary

# Where a release has no MRRANK.RRF: term types that vocabularies mark as preferred, best first; RxNorm's come first,
# since its own names stand among those of its sources.
_RXNORM = ("IN", "PIN", "MIN", "BN", "SCD", "SBD", "GPCK", "BPCK")
_PREFERRED_TYPES = {
    name: place for place, name in enumerate((*_RXNORM, "PN", "PT", "MH", "PEP", "NM", "HT", "LC", "FN"))
}


@dataclass(slots=True)
class Wanted:
    """A selection as UMLS spells it, and what of the vocabulary has been seen."""

    languages: Collection[str]
    sources: Collection[str]
    term_types: Collection[str]
    suppressed: bool
    types: frozenset[str]
    seen: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def by(cls, selection: Selection) -> Wanted:
        """Of a selection; the language is English unless it says otherwise.

        Raises:
            ValueError: a language, semantic type or group is unknown.
        """
        return cls(
            languages={umls_language(one) for one in selection.languages} or {_DEFAULT_LANGUAGE},
            sources={one.upper() for one in selection.sources},
            term_types={one.upper() for one in selection.term_types},
            suppressed=selection.suppressed,
            types=selected_types(selection.semantic_types, selection.semantic_groups),
        )

    def check_seen(self) -> None:
        """Tell, after all is read, what was asked for and is not there.

        Raises:
            ValueError: a language or a source that the file has no name of.
        """
        languages, sources = ({pair[place] for pair in self.seen} for place in (0, 1))
        for what, wanted, there in (("language", self.languages, languages), ("source", self.sources, sources)):
            lacking = sorted(set(wanted) - there)
            if lacking:
                raise ValueError(
                    f"no name is of {what} {', '.join(lacking)}; expected some of {', '.join(sorted(there)) or 'none'}"
                )


@dataclass(slots=True)
class Atoms:
    """The names of one concept, as far as they are wanted."""

    cui: str
    line: int
    ranked: list[tuple[tuple[int, ...], str]] = field(default_factory=list)
    codes: dict[str, None] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)

    def add(self, cells: list[str], wanted: Wanted, ranks: Mapping[tuple[str, str], int]) -> None:
        """Take a row of ATOM_COLUMNS."""
        _, language, status, form, is_preferred, source, term_type, code, text, suppress = cells
        wanted.seen.add((language, source))
        if language not in wanted.languages or (suppress not in ("N", "") and not wanted.suppressed):
            return
        self.sources.add(source)
        if code not in _NO_CODE and source not in _OWN_SOURCES:
            self.codes[code if code.startswith(f"{source}:") else f"{source}:{code}"] = None
        if (wanted.sources and source not in wanted.sources) or (
            wanted.term_types and term_type not in wanted.term_types
        ):
            return
        flags: tuple[int, ...] = (status != "P", form != "PF", is_preferred != "Y")
        if ranks:
            key: tuple[int, ...] = (-ranks.get((source, term_type), 0), *flags)
        else:
            key = (*flags, _PREFERRED_TYPES.get(term_type, len(_PREFERRED_TYPES)))
        self.ranked.append((key, text))

    @property
    def names(self) -> tuple[str, ...]:
        """The preferred one first."""
        return distinct_names(text for _, text in sorted(self.ranked, key=lambda atom: atom[0]))


def retired(cui: str, rows: list[list[str]]) -> Retired:
    """What a retired concept became, by its rows of MRCUI (REL, CUI2): its synonym, else what is near it."""
    synonyms = [other for relation, other in rows if relation == "SY" and is_identifier(other)]
    near = [other for relation, other in rows if relation in ("RB", "RN", "RO") and is_identifier(other)]
    return Retired(cui, tuple(dict.fromkeys(synonyms or near)), is_exact=bool(synonyms) or not near)
