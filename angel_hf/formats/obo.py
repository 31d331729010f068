"""OBO 1.0 to 1.4, the flat-file format of the Open Biomedical Ontologies.

Only a few tags of one kind of stanza are needed; the libraries for OBO, pronto and fastobo, build a graph of the whole
ontology and refuse all of it for one faulty line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from angel_hf.formats.lines import Line
from angel_hf.formats.obo_values import Quoted, quoted, reference, unquoted
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.synonym_scopes import HEEDED, chosen_scopes
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.types import Concept

__all__ = ["HEEDED", "is_obo", "read"]

_STANZA = re.compile(r"^\s*\[(?:Term|Typedef|Instance)\]", re.MULTILINE)
_SYNONYMS = {
    "synonym": "",
    "exact_synonym": "EXACT",
    "narrow_synonym": "NARROW",
    "broad_synonym": "BROAD",
    "related_synonym": "RELATED",
}
_REFERENCES = ("xref", "xref_analog", "xref_unk")
_LISTED = ("alt_id", "is_a", "replaced_by", "consider")
_SINGLE = ("id", "name", "is_obsolete", "def")
_READ = frozenset((*_SYNONYMS, *_REFERENCES, *_LISTED, *_SINGLE))


def is_obo(source: Source, head: str) -> bool:
    """Whether a file is OBO: by its ending, its first line, or a stanza among its first lines."""
    return source.ending == ".obo" or head.lstrip().startswith("format-version:") or _STANZA.search(head) is not None


def read(source: Source, selection: Selection = EVERYTHING) -> Iterator[Term | Retired | Unnamed | Rejected]:
    """The terms of an OBO file; other stanzas are passed over.

    Names are the term's name and its synonyms of the scopes that are chosen, exact ones where none are; a synonym
    without a scope is a related one, and one that the ontology marks as obsolete is no name. A line that cannot be
    read costs that line, a stanza without an identifier that stanza.
    """
    scopes = chosen_scopes(selection)
    stanza: _Stanza | None = None
    for line in source.lines():
        text = line.text.strip()
        if not text or text.startswith("!"):
            continue
        if text.startswith("["):
            if stanza is not None:
                yield from stanza.records(scopes)
            stanza = _Stanza(line) if unquoted(text) == "[Term]" else None
        elif stanza is not None:
            yield from stanza.add(line)
    if stanza is not None:
        yield from stanza.records(scopes)


@dataclass
class _Stanza:
    """A term, line by line."""

    opened: Line
    single: dict[str, str] = field(default_factory=dict)
    listed: dict[str, list[str]] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    synonyms: list[Quoted] = field(default_factory=list)

    def add(self, line: Line) -> Iterator[Rejected]:
        """Take a line, or reject it."""
        tag, separator, value = line.text.strip().partition(":")
        try:
            if line.fault is not None:
                raise ValueError(line.fault)
            if not separator:
                raise ValueError(f"{line.text.strip()[:120]!r}; expected `tag: value`")
            if tag in _READ:
                self._take(tag, value)
        except ValueError as error:
            of = f" of {self.single['id']}" if "id" in self.single else ""
            yield Rejected(line.number, f"{tag[:40] if separator else 'a line'}{of}: {error}", line.text)

    def _take(self, tag: str, value: str) -> None:
        if tag in _SYNONYMS:
            found = quoted(value)
            self.synonyms.append(found._replace(scope=_SYNONYMS[tag] or found.scope or "RELATED"))
            return
        read = reference(value) if tag in _REFERENCES else quoted(value).text if tag == "def" else unquoted(value)
        if not read and tag != "def":
            raise ValueError("no value; expected one")
        if tag in _SINGLE:
            if tag in self.single:
                if read != self.single[tag]:
                    raise ValueError(f"{read[:80]!r} comes after {self.single[tag][:80]!r}; the first one is taken")
                return
            self.single[tag] = read
        else:
            (self.references if tag in _REFERENCES else self.listed.setdefault(tag, [])).append(read)

    def records(self, scopes: Collection[str]) -> Iterator[Term | Retired | Unnamed | Rejected]:
        """What the stanza holds, when all of its lines are taken."""
        concept_id = self.single.get("id", "")
        if not concept_id:
            yield Rejected(self.opened.number, "a term without an `id:` line; expected one", self.opened.text)
        elif self.single.get("is_obsolete", "").lower() == "true":
            replaced = self._identifiers("replaced_by")
            yield Retired(concept_id, replaced or self._identifiers("consider"), is_exact=bool(replaced))
        else:
            names = [self.single.get("name", "")]
            names += [one.text for one in self.synonyms if one.scope in scopes and not _is_obsolete(one)]
            distinct = tuple(dict.fromkeys(name for name in names if name))
            if not distinct:
                yield Unnamed(concept_id)
                return
            concept = Concept(concept_id, distinct, self._identifiers("alt_id"), parents=self._identifiers("is_a"))
            yield Term(concept, tuple(dict.fromkeys(self.references)), self.single.get("def", ""))

    def _identifiers(self, tag: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.listed.get(tag, ())))


def _is_obsolete(synonym: Quoted) -> bool:
    return "obsolete_synonym" in synonym.type.lower()
