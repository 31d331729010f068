"""Identifiers replaced in stored annotations; everything else stays as it came, but for line ends, which become `\\n`.

PubTator    the identifiers of annotations and relations, also several of one mention (`D001|D002`)
JSON        objects, one a line or one in a file (BioC JSON): the values of `concept_ids`, `identifier` and the like
BioC XML    the infons of those keys, and of the names of vocabularies (`<infon key="MESH">`)
brat        the normalisations (`N1  Reference T1 MESH:D001260  name`)

Only a line of JSON in which something changes is written anew, with the same content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.sax.saxutils import escape, unescape

from angel_hf.formats.lines import Line
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.text.identifiers import is_vocabulary

Renew = Callable[[str, int], str]
"""The identifier to write for one that stands in a line."""

_KEYS = frozenset({"concept_id", "concept_ids", "identifier", "identifiers", "normalized_id", "normalised_id"})
_INFONS = "infons"
_SEVERAL = re.compile(r"([|,;+]\s*)")
_PUBTATOR_TEXT = re.compile(r"[^|\t]*\|[ta]\|")
_PUBTATOR_ANNOTATION = re.compile(r"[^\t]+\t\d+\t\d+\t")
_PUBTATOR_RELATION = re.compile(r"[^\t]+\t[A-Za-z_\-]+\t[^\t]+\t")
_BRAT_REFERENCE = re.compile(r"(N\d+\tReference T\d+ )([^\t]+)", re.DOTALL)
_BRAT = re.compile(r"[TREAMN*#]\d*\t")
_INFON = re.compile(
    r"""(<(?:\w{1,40}:)?infon\s+key\s{0,9}=\s{0,9}["']([^"'<>]{1,99})["']\s{0,9}>)([^<]{1,2000})(?=</)"""
)
_MOST_NESTED = 100
_MOST_SHOWN = 1000  # characters of what cannot be read
EXPECTED = "expected PubTator, JSON lines of annotations, BioC JSON, BioC XML or brat's .ann"


def rewrite_identifiers(source: Source, renew: Renew) -> Iterator[str | Rejected]:
    """The text of a file of annotations with its identifiers renewed, in pieces, and the lines that cannot be read.

    Raises:
        ValueError: none of the known formats.
    """
    head = source.head()
    start = head.lstrip()[:1]
    first = next((line for line in head.splitlines() if line.strip()), "")
    if start == "<":
        return _lines(source, lambda line: _xml(line, renew))
    if start in ("{", "["):
        is_spread = "\n" in head.lstrip() and not _is_json(first)
        return _whole_json(source, renew) if is_spread else _lines(source, lambda line: _json_line(line, renew))
    if _PUBTATOR_TEXT.match(first) or _PUBTATOR_ANNOTATION.match(first):
        return _lines(source, lambda line: _pubtator(line, renew))
    if _BRAT.match(first):
        return _lines(source, lambda line: _brat(line, renew))
    raise ValueError(f"{source.name}: starts with {first[:80]!r}; {EXPECTED}")


def _lines(source: Source, rewrite: Callable[[Line], str]) -> Iterator[str | Rejected]:
    for line in source.lines():
        if line.fault is not None:
            yield Rejected(line.number, line.fault, line.text, source.name)
        else:
            try:
                yield rewrite(line) + "\n"
            except ValueError as error:
                yield Rejected(line.number, str(error), line.text, source.name)


def _pubtator(line: Line, renew: Renew) -> str:
    text = line.text
    if _PUBTATOR_TEXT.match(text):
        return text
    cells = text.split("\t")
    if _PUBTATOR_ANNOTATION.match(text):
        places = range(5, min(len(cells), 6))
    elif _PUBTATOR_RELATION.match(text):
        places = range(2, min(len(cells), 4))
    else:
        return text
    for place in places:
        cells[place] = _several(cells[place], line.number, renew)
    return "\t".join(cells)


def _several(cell: str, number: int, renew: Renew) -> str:
    """Identifiers of one cell, with what stands between them."""
    parts = _SEVERAL.split(cell)
    return "".join(part if place % 2 or not part.strip() else renew(part, number) for place, part in enumerate(parts))


def _brat(line: Line, renew: Renew) -> str:
    found = _BRAT_REFERENCE.match(line.text)
    return line.text if found is None else found[1] + renew(found[2], line.number) + line.text[found.end() :]


def _xml(line: Line, renew: Renew) -> str:
    def renewed(infon: re.Match[str]) -> str:
        opening, key, value = infon.groups()
        if not value.strip() or not (key in _KEYS or is_vocabulary(key)):
            return infon[0]
        return opening + escape(_of_key(key, unescape(value), line.number, renew))

    return _INFON.sub(renewed, line.text)


def _of_key(key: str, value: str, number: int, renew: Renew) -> str:
    """The value of an infon or a field; under the name of a vocabulary identifiers need no prefix."""
    if key in _KEYS:
        return _several(value, number, renew)

    def with_prefix(identifier: str, number: int) -> str:
        prefix = "" if ":" in identifier else f"{key}:"
        return renew(prefix + identifier, number).removeprefix(prefix)

    return _several(value, number, with_prefix)


def _json_line(line: Line, renew: Renew) -> str:
    return _json(line.text, line.number, renew) if line.text.strip() else line.text


def _whole_json(source: Source, renew: Renew) -> Iterator[str | Rejected]:
    text = source.text()
    try:
        yield _json(text, 1, renew)
    except ValueError as error:
        yield Rejected(1, str(error), text[:_MOST_SHOWN], source.name, is_rest=True)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _json(text: str, number: int, renew: Renew) -> str:
    try:
        value = json.loads(text)
        changed = _renewed(value, number, renew, 0)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error}); {EXPECTED}") from None
    return json.dumps(changed, ensure_ascii=False) if changed != value else text


def _renewed(value: Any, number: int, renew: Renew, depth: int, key: str = "") -> Any:
    if depth > _MOST_NESTED:
        raise ValueError(f"nested more than {_MOST_NESTED} deep")
    if isinstance(value, str) and key:
        return _of_key(key, value, number, renew)
    if isinstance(value, list):
        return [_renewed(one, number, renew, depth + 1, key) for one in value]
    if isinstance(value, dict):
        is_infons = key == _INFONS
        return {
            own: _renewed(one, number, renew, depth + 1, own if _holds_identifiers(own, is_infons) else "")
            for own, one in value.items()
        }
    return value


def _holds_identifiers(key: str, is_infon: bool) -> bool:
    return key in _KEYS or key == _INFONS or (is_infon and is_vocabulary(key))
