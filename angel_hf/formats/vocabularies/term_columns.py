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
        "loincnum",
        "hgncid",
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
        "longcommonname",
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
        "exactsynonym",
        "aliassymbol",
        "aliasname",
        "prevsymbol",
        "prevname",
        "symbol",
        "shortname",
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
_SEVERAL = ("synonyms", "parents", "types", "references", "alternatives")
"""Parts that may stand in several columns."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row the parts of a term stand, by their place from 0.

    Args:
        delimiter: between cells.
        header: the first line's cells.
        places: of `id`, `name`, and what else is there of `definition`, `status` and `obsolete`.
        lists: the places of each of `synonyms`, `parents`, `types`, `references` and `alternatives`, in order.
        are_names: whether the column of names says that it holds several.
    """

    delimiter: str
    header: tuple[str, ...]
    places: dict[str, int]
    lists: dict[str, list[int]]
    are_names: bool = False

    @property
    def width(self) -> int:
        """How many columns are known."""
        return len(self.places) + sum(map(len, self.lists.values()))


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
        if found is not None and (best is None or found.width > best.width):
            best = found
    return best


def _found(cells: Sequence[str], delimiter: str) -> Columns | None:
    spelled = [_LETTERS.sub("", cell).lower() for cell in cells]
    places: dict[str, int] = {}
    lists: dict[str, list[int]] = {}
    for part, names in _NAMES.items():
        taken = {*places.values(), *(place for one in lists.values() for place in one)}
        if part in _SEVERAL:
            # `synonym1` and `Synonym 2` are columns of synonyms, too.
            lists[part] = [
                place for place, name in enumerate(spelled) if name.rstrip("0123456789") in names and place not in taken
            ]
            continue
        found = next((spelled.index(name) for name in names if name in spelled), None)
        if found is not None and found not in taken:
            places[part] = found
    if not places.keys() >= set(_REQUIRED):
        return None
    several = spelled[places["name"]] in ("names", "terms", "labels")
    return Columns(delimiter, tuple(cell.strip() for cell in cells), places, lists, several)
