"""OBO 1.0 to 1.4, the flat-file format of the Open Biomedical Ontologies."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from angel_hf.formats.lines import Line
from angel_hf.formats.obo_values import SCOPES, first_word, plain, quoted
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.types import Concept

HEEDED = ("synonyms",)
_OBSOLETE_SYNONYM = "OBSOLETE_SYNONYM"
# Tags of OBO 1.0, each with its scope.
_SCOPED_TAGS = {
    "exact_synonym": "EXACT",
    "related_synonym": "RELATED",
    "narrow_synonym": "NARROW",
    "broad_synonym": "BROAD",
}
_MOST_SHOWN = 120


def read(source: Source, selection: Selection) -> Iterator[Term | Retired | Rejected]:
    """The terms of an OBO file; names are the term's name and its exact synonyms, or those of the selected scopes.

    Obsolete terms are retired, with what replaces them or else may be considered. Terms without a name, which OBO 1.4
    allows for those of other ontologies, and other stanzas are passed over. A bad line is left out; its term stays.

    Raises:
        ValueError: an unknown scope.
    """
    scopes = scopes_of(selection)
    stanza: _Stanza | None = None
    for line in source.lines():
        text = line.text.strip()
        if text.startswith("["):
            if stanza is not None:
                yield from stanza.items()
            stanza = _Stanza(line.number, scopes) if text.partition("]")[0] == "[Term" else None
        elif stanza is not None and text and not text.startswith("!"):
            cause = line.fault or stanza.add(text)
            if cause is not None:
                yield Rejected(line.number, f"line left out: {cause}", _shown(line))
    if stanza is not None:
        yield from stanza.items()


def scopes_of(selection: Selection) -> frozenset[str]:
    """The scopes whose synonyms are names.

    Raises:
        ValueError: one is unknown.
    """
    scopes = frozenset(scope.upper() for scope in selection.synonyms) or frozenset(("EXACT",))
    unknown = sorted(scopes - set(SCOPES))
    if unknown:
        raise ValueError(f"unknown synonym scope {', '.join(unknown)}; expected some of {', '.join(SCOPES)}")
    return scopes


@dataclass
class _Stanza:
    """A [Term] as its lines come."""

    line: int
    scopes: Collection[str]
    concept_id: str = ""
    name: str = ""
    synonyms: list[str] = field(default_factory=list)
    is_obsolete: bool = False
    definition: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)  # of the tags that hold identifiers

    def add(self, text: str) -> str | None:
        """Take in one line; returns why it can't be, if so."""
        tag, separator, value = text.partition(":")
        value = value.strip()
        if not separator:
            return f"{text[:_MOST_SHOWN]!r}; expected `tag: value`"
        try:
            self._take(tag.strip(), value)
        except ValueError as error:
            return f"`{tag}: ` {error}"
        return None

    def _take(self, tag: str, value: str) -> None:
        if tag == "id":
            self.concept_id = self.concept_id or first_word(value)
        elif tag == "name":
            self.name = self.name or plain(value)  # of two names the first holds
        elif tag == "synonym" or tag in _SCOPED_TAGS:
            self._take_synonym(tag, value)
        elif tag == "is_obsolete":
            self.is_obsolete = first_word(value).lower() == "true"
        elif tag == "def":
            self.definition = quoted(value).text
        elif tag in ("alt_id", "is_a", "xref", "xref_analog", "replaced_by", "consider"):
            identifier = first_word(value)
            if identifier:
                self.values.setdefault(tag.removesuffix("_analog"), []).append(identifier)

    def _take_synonym(self, tag: str, value: str) -> None:
        found = quoted(value)
        scope = _SCOPED_TAGS.get(tag) or next((word for word in found.words if word in SCOPES), "RELATED")
        is_obsolete = any(word.upper() == _OBSOLETE_SYNONYM for word in found.words)
        if scope in self.scopes and not is_obsolete:
            self.synonyms.append(found.text)

    def items(self) -> Iterator[Term | Retired | Rejected]:
        if not self.concept_id:
            yield Rejected(self.line, "a term without `id:`; expected one with a value")
        elif self.is_obsolete:
            successors = self.values.get("replaced_by") or self.values.get("consider") or ()
            yield Retired(self.concept_id, tuple(dict.fromkeys(successors)))
        elif self.name:
            concept = Concept(
                self.concept_id,
                tuple(dict.fromkeys(name for name in (self.name, *self.synonyms) if name)),
                alternative_ids=tuple(dict.fromkeys(self.values.get("alt_id", ()))),
                parents=tuple(dict.fromkeys(self.values.get("is_a", ()))),
            )
            yield Term(concept, tuple(dict.fromkeys(self.values.get("xref", ()))), self.definition)


def _shown(line: Line) -> str:
    return line.text[: 8 * _MOST_SHOWN]
