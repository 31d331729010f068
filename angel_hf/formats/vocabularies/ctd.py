"""Vocabularies of the Comparative Toxicogenomics Database: CTD_diseases (MEDIC), CTD_chemicals, CTD_genes, CTD_anatomy.

As https://ctdbase.org/downloads gives them out, in tab- or comma-separated form: comment lines start with `#`, one of
them names the columns; bars join values within a column.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from angel_hf.formats.lines import Line
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier, shown, split_list
from angel_hf.formats.vocabularies.rows import Row, parsed_row, plain_rows, quoted_rows
from angel_hf.types import Concept

# The column of the name and that of the identifier give away what a file is of.
_KINDS = {
    ("DiseaseName", "DiseaseID"): "Disease",
    ("ChemicalName", "ChemicalID"): "Chemical",
    ("GeneSymbol", "GeneID"): "Gene",
    ("AnatomyName", "AnatomyID"): "Anatomy",
    ("PathwayName", "PathwayID"): "Pathway",
}
_SYNONYMS = ("GeneName", "Synonyms", "MESHSynonyms", "CTDCuratedSynonyms", "ExternalSynonyms")
_ALTERNATIVES = ("AltDiseaseIDs", "AltGeneIDs", "AltAnatomyIDs", "AltChemicalIDs")
_REFERENCES = {
    "CasRN": "CAS:",
    "PubChemCID": "PUBCHEM.COMPOUND:",
    "DTXSID": "COMPTOX:",
    "InChIKey": "INCHIKEY:",
    "UniProtIDs": "UNIPROT:",
    "PharmGKBIDs": "PHARMGKB.GENE:",
    "BioGRIDIDs": "BIOGRID:",
}
_HEADER = re.compile(
    r"^#?[ \t]*((?:DiseaseName|ChemicalName|GeneSymbol|AnatomyName|PathwayName)[,\t].*)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class _Layout:
    columns: list[str]
    delimiter: str
    kind: tuple[str, str]


def is_ctd(head: str) -> bool:
    """Whether the first lines hold the header of one of CTD's vocabularies."""
    return _layout(head) is not None


def read(source: Source) -> Iterator[Term | Rejected]:
    """Stream the concepts of one of CTD's vocabularies.

    Identifiers stay as CTD writes them, `MESH:D001260`. Alternative ids of DOID, which CTD writes `DO:DOID:14766`, are
    `DOID:14766`. The semantic type is Disease, Chemical, Gene, Anatomy or Pathway.

    Raises:
        ValueError: no line names the columns.
    """
    layout = _layout(source.head())
    if layout is None:
        raise ValueError("no line names CTD's columns; expected `# DiseaseName<tab>DiseaseID...` or the like")
    lines = (line for line in source.lines() if not _is_comment(line))
    rows = plain_rows(lines) if layout.delimiter == "\t" else quoted_rows(lines, layout.delimiter)
    for row in rows:
        if isinstance(row, Rejected):
            yield row
        elif row.cells[0].strip() != layout.kind[0]:  # a header without `#`
            yield _read_row(row, layout)


def _is_comment(line: Line) -> bool:
    return line.text.startswith("#")


def _layout(head: str) -> _Layout | None:
    match = _HEADER.search(head)
    if match is None:
        return None
    delimiter = "\t" if "\t" in match[1] else ","
    try:
        columns = [cell.strip() for cell in parsed_row(match[1].rstrip("\r"), delimiter)]
    except csv.Error:
        return None
    kind = next((kind for kind in _KINDS if set(kind) <= set(columns)), None)
    return None if kind is None else _Layout(columns, delimiter, kind)


def _read_row(row: Row, layout: _Layout) -> Term | Rejected:
    if len(row.cells) > len(layout.columns):
        expected = f"expected {len(layout.columns)}: {', '.join(layout.columns)}"
        return Rejected(row.line, f"{len(row.cells)} columns; {expected}", row.raw)
    cells = dict(zip(layout.columns, row.cells))  # the last columns may be left out where they are empty
    name, concept_id = (cells.get(column, "").strip() for column in layout.kind)
    if not name or not is_identifier(concept_id):
        lacking = layout.kind[1] if name else layout.kind[0]
        return Rejected(row.line, f"{lacking} is empty or no identifier in {shown(row.raw)}; expected one", row.raw)
    alternatives = (one.removeprefix("DO:") for column in _ALTERNATIVES for one in split_list(cells.get(column, "")))
    concept = Concept(
        concept_id,
        distinct_names((name, *(one for column in _SYNONYMS for one in cells.get(column, "").split("|")))),
        tuple(dict.fromkeys(one for one in alternatives if one)),
        (_KINDS[layout.kind],),
        tuple(dict.fromkeys(split_list(cells.get("ParentIDs", "")))),
    )
    references = (
        one if one.startswith(prefix) else prefix + one
        for column, prefix in _REFERENCES.items()
        for one in split_list(cells.get(column, ""))
    )
    return Term(concept, tuple(dict.fromkeys(references)), " ".join(cells.get("Definition", "").split()))
