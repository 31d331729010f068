"""OBO 1.2 and 1.4, the flat-file format of the Open Biomedical Ontologies.

Only a few tags of one kind of stanza are needed; libraries for OBO bring a graph of the ontology or a compiled parser.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator

from angel_hf.formats.lines import open_lines
from angel_hf.formats.term import Term
from angel_hf.types import Concept

SCOPES = ("EXACT", "RELATED", "NARROW", "BROAD")

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(.*)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")
# A comment starts at an exclamation mark after a space; qualifiers stand last, in braces.
_TRAILING = re.compile(r"\s+!.*$|\s*\{[^{}]*\}\s*$")

_Tags = dict[str, list[str]]


def read_obo(path: str | os.PathLike[str]) -> Iterator[Concept]:
    """Stream the concepts of an OBO file: names are the term's name and its exact synonyms. See `read_obo_terms`."""
    return (term.concept for term in read_obo_terms(path))


def read_obo_terms(path: str | os.PathLike[str], scopes: Collection[str] = ("EXACT",)) -> Iterator[Term]:
    """Stream the terms of an OBO file, `.gz` included; obsolete ones and other stanzas are left out.

    Args:
        path: the file.
        scopes: which synonyms count as names, of SCOPES. Synonyms that the ontology itself marks as obsolete never do.

    Raises:
        ValueError: a scope is unknown; a line or a term is malformed: the error names the file and the line.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ValueError(f"unknown synonym scope {', '.join(unknown)}; expected some of {', '.join(SCOPES)}")
    for number, tags in _stanzas(path):
        if tags.get("is_obsolete") != ["true"]:
            try:
                yield _term(tags, scopes)
            except ValueError as error:
                raise ValueError(f"{os.fspath(path)}:{number}: {error}") from None


def _stanzas(path: str | os.PathLike[str]) -> Iterator[tuple[int, _Tags]]:
    """The tags of each [Term] stanza, with the number of the line that opens it."""
    opened, tags, in_term = 0, _Tags(), False
    for number, line in enumerate(open_lines(path), start=1):
        line = line.strip()
        if line.startswith("["):
            if in_term:
                yield opened, tags
            opened, tags, in_term = number, {}, line == "[Term]"
        elif in_term and line and not line.startswith("!"):
            tag, separator, value = line.partition(":")
            if not separator:
                raise ValueError(f"{os.fspath(path)}:{number}: {line[:120]!r}; expected `tag: value`")
            tags.setdefault(tag, []).append(value.strip())
    if in_term:
        yield opened, tags


def _term(tags: _Tags, scopes: Collection[str]) -> Term:
    for tag in ("id", "name"):
        if len(tags.get(tag, ())) != 1 or not tags[tag][0]:
            raise ValueError(f"a term with {len(tags.get(tag, ()))} `{tag}:` lines; expected one with a value")
    names = [_plain(tags["name"][0])]
    for value in tags.get("synonym", ()):
        text, rest = _quoted(value, "synonym")
        # `"text" SCOPE [TYPE] [references]`; a synonym without a scope is a related one.
        scope = next((word for word in rest.split("[")[0].split() if word in SCOPES), "RELATED")
        if scope in scopes and "obsolete_synonym" not in rest.split("[")[0].split():
            names.append(text)
    concept = Concept(
        concept_id=_plain(tags["id"][0]),
        names=tuple(dict.fromkeys(name for name in names if name)),
        alternative_ids=tuple(_plain(value) for value in tags.get("alt_id", ())),
        parents=tuple(_plain(value) for value in tags.get("is_a", ())),
    )
    definition = _quoted(tags["def"][0], "def")[0] if "def" in tags else ""
    return Term(concept, tuple(value.split()[0] for value in tags.get("xref", ()) if value), definition)


def _plain(value: str) -> str:
    while (shorter := _TRAILING.sub("", value)) != value:
        value = shorter
    return _unescape(value)


def _quoted(value: str, tag: str) -> tuple[str, str]:
    match = _QUOTED.match(value)
    if match is None:
        raise ValueError(f'`{tag}: {value[:120]}`; expected a text in double quotes, as in `{tag}: "text" ...`')
    return _unescape(match[1]), match[2]


def _unescape(text: str) -> str:
    """Backslash escapes resolved; those for line breaks, tabs and spaces are a space."""
    return " ".join(_ESCAPE.sub(lambda found: " " if found[1] in "nWt" else found[1], text).split())
