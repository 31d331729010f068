"""Which column of a table of terms holds what, by the names that people give to columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from angel_hf.formats.vocabularies.rows import parsed_row

DELIMITERS = ",\t;|"
_LETTERS = re.compile(r"[\W_]+")

# For each part of a term the names of its column, in letters and digits only, best first: of BioPortal's `Class ID` and
# `CUI` the first is the identifier. MedCAT's are cui, name, name_status, type_ids (before: str, tty, tui, sty, desc).
_NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "conceptid",
        "classid",
        "termid",
        "id",
        "identifier",
        "curie",
        "cui",
        "code",
        "conceptcode",
        "diseaseid",
        "geneid",
        "entityid",
        "sctid",
        "icdcode",
        "uri",
        "iri",
        "concept",
    ),
    "name": (
        "preferredname",
        "preferredlabel",
        "preferredterm",
        "preflabel",
        "conceptname",
        "termname",
        "name",
        "label",
        "rdfslabel",
        "term",
        "title",
        "str",
        "string",
        "names",
        "terms",
        "labels",
        "symbol",
        "longname",
        "description",
        "longdescription",
    ),
    "synonyms": (
        "synonyms",
        "synonym",
        "exactsynonyms",
        "aliases",
        "alias",
        "altnames",
        "altname",
        "altlabels",
        "altlabel",
        "alternativenames",
        "alternatenames",
        "othernames",
        "entryterms",
    ),
    "definition": ("definition", "definitions", "def", "description", "desc"),
    "parents": ("parents", "parent", "parentids", "parentid", "isa", "parentcode", "broader"),
    "types": (
        "semantictypes",
        "semantictype",
        "typeids",
        "typeid",
        "types",
        "type",
        "tuis",
        "tui",
        "category",
        "domainid",
    ),
    "references": ("xrefs", "xref", "crossreferences", "crossreference", "dbxrefs", "dbxref", "mappings", "exactmatch"),
    "alternatives": ("altids", "altid", "alternativeids", "alternativeid", "secondaryids"),
    "status": ("namestatus", "tty"),
    "obsolete": ("obsolete", "isobsolete", "deprecated"),
}
_REQUIRED = ("id", "name")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row the parts of a term stand, by their place from 0.

    Args:
        delimiter: between cells.
        header: the first line's cells.
        places: of `id`, `name`, and what else is there of `synonyms`, `definition`, `parents`, `types`, `references`,
            `alternatives`, `status` and `obsolete`.
        are_names: whether the column of names says that it holds several.
    """

    delimiter: str
    header: tuple[str, ...]
    places: dict[str, int]
    are_names: bool = False


def columns_of(header: str) -> Columns | None:
    """The columns that a first line names, by whatever delimiter; None where none is of identifiers or of names."""
    best: Columns | None = None
    for delimiter in DELIMITERS:
        if delimiter not in header:
            continue
        try:
            found = _found(parsed_row(header, delimiter), delimiter)
        except csv.Error:
            continue
        if found is not None and (best is None or len(found.places) > len(best.places)):
            best = found
    return best


def _found(cells: Sequence[str], delimiter: str) -> Columns | None:
    spelled = [_LETTERS.sub("", cell).lower() for cell in cells]
    places: dict[str, int] = {}
    for part, names in _NAMES.items():
        place = next((spelled.index(name) for name in names if name in spelled), None)
        if place is not None and place not in places.values():
            places[part] = place
    if not places.keys() >= set(_REQUIRED):
        return None
    several = spelled[places["name"]] in ("names", "terms", "labels")
    return Columns(delimiter, tuple(cell.strip() for cell in cells), places, several)
