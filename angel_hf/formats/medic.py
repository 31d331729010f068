"""MEDIC, the disease vocabulary of the NCBI-disease corpus, in the form `ID|ALT_ID||name|name...`."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator

from angel_hf.formats.lines import open_lines
from angel_hf.types import Concept

_SEMANTIC_TYPES = ("Disease",)


def read_medic(path: str | os.PathLike[str]) -> Iterator[Concept]:
    """Stream the concepts of a MEDIC file, `.gz` included.

    HTML entities are resolved, and identifiers of digits alone get the prefix `OMIM:`, as in the corpora. The first
    name is the preferred one. All concepts get the semantic type "Disease".

    Raises:
        ValueError: a malformed line, named by file and line number, with what was expected.
    """
    for number, line in enumerate(open_lines(path), start=1):
        if line.strip():
            try:
                yield _parse_concept(line)
            except ValueError as error:
                raise ValueError(
                    f"{os.fspath(path)}:{number}: {error}; expected `ID|ALT_ID|...||name|name...`, "
                    f"the line is {line[:120]!r}"
                ) from None


def _parse_concept(line: str) -> Concept:
    identifiers, separator, names = line.partition("||")
    if not separator:
        raise ValueError("no `||` between the identifiers and the names")
    concept_id, *alternatives = [_identifier(field) for field in identifiers.split("|")]
    spelled = tuple(html.unescape(name).strip() for name in names.split("|"))
    if not all(spelled):
        raise ValueError(f"concept {concept_id} has an empty name at place {spelled.index('') + 1} of {len(spelled)}")
    return Concept(concept_id, spelled, tuple(alternatives), semantic_types=_SEMANTIC_TYPES)


def _identifier(field: str) -> str:
    if not field or any(character.isspace() for character in field):
        raise ValueError(f"the identifier {field!r} is empty or holds white space")
    return f"OMIM:{field}" if field.isdecimal() else field
