"""Dictionaries of one or several names a line: MEDIC, `ID|ALT_ID||name|name...`, and BioSyn's, `ID|ID||name`.

MEDIC is the disease vocabulary of the NCBI-disease corpus; in BioSyn's dictionaries a concept takes as many lines as it
has names. CTD's own files of MEDIC are read by `ctd`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from angel_hf.formats.lines import Line
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier, shown
from angel_hf.types import Concept

# MeSH and OMIM are what disease dictionaries are made of; in any other, digits are no ids of OMIM.
_OF_DISEASES = re.compile(r"(?:^|\|)(?:(?:MESH:)?[CD]\d{6,9}|OMIM:\d+)\|", re.MULTILINE)
_EXPECTED = "expected `ID|ALT_ID|...||name|name...`"


def read(source: Source) -> Iterator[Term | Rejected]:
    """Stream the concepts of a dictionary, a line after the other; neighbouring lines of a concept are one.

    HTML entities are resolved. The first name is the preferred one. Where identifiers of MeSH or OMIM are among the
    first, all concepts are of the semantic type "Disease", and identifiers of digits alone get the prefix `OMIM:`,
    as in the corpora; BioSyn's dictionaries of one name a line get no type. An empty name costs that name, a line
    without names or with a malformed identifier that line.
    """
    head = source.head()
    prefix = "OMIM:" if _OF_DISEASES.search(head) else ""
    types = ("Disease",) if prefix and not is_one_name_a_line(head) else ()
    open_ids: tuple[str, ...] = ()
    open_names: list[str] = []
    for line in source.lines():
        if not line.text.strip():
            continue
        try:
            ids, spelled = _parsed(line, prefix)
        except ValueError as error:
            yield Rejected(line.number, f"{error}; {_EXPECTED}", line.text)
            continue
        names = distinct_names(spelled)
        if len(spelled) > 1 and not all(map(str.strip, spelled)):
            place = [not name.strip() for name in spelled].index(True) + 1
            cause = f"concept {ids[0]} has an empty name at place {place} of {len(spelled)}; its other names are read"
            yield Rejected(line.number, cause, line.text)
        if ids != open_ids:
            if open_names:
                yield _term(open_ids, open_names, types)
            open_ids, open_names = ids, []
        open_names += names
    if open_names:
        yield _term(open_ids, open_names, types)


def is_one_name_a_line(head: str) -> bool:
    """Whether the first lines of a dictionary are BioSyn's: each has one name, and some concept takes several."""
    lines = [line.partition("||") for line in head.splitlines()[:-1] or head.splitlines()]
    ids = [first for first, _, names in lines if names]
    return len(set(ids)) < len(ids) and not any("|" in names for _, _, names in lines)


def _term(ids: tuple[str, ...], names: list[str], types: tuple[str, ...]) -> Term:
    return Term(Concept(ids[0], distinct_names(names), ids[1:], semantic_types=types))


def _parsed(line: Line, prefix: str) -> tuple[tuple[str, ...], list[str]]:
    if line.fault is not None:
        raise ValueError(line.fault)
    identifiers, separator, names = line.text.partition("||")
    if not separator:
        raise ValueError(f"no `||` between the identifiers and the names in {shown(line.text)}")
    ids = tuple(_identifier(field, prefix) for field in identifiers.split("|"))
    spelled = [html.unescape(name) for name in names.split("|")]
    if not any(map(str.strip, spelled)):
        raise ValueError(f"concept {ids[0]} has no name")
    return ids, spelled


def _identifier(field: str, prefix: str) -> str:
    if not is_identifier(field):
        raise ValueError(f"the identifier {shown(field)} is empty or holds white space")
    return prefix + field if field.isdecimal() else field
