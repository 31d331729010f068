"""NCBI Gene: `gene_info` (whole, or of a species as `Homo_sapiens.gene_info`) and `gene_history`.

The columns are those of the README of https://ftp.ncbi.nlm.nih.gov/gene/DATA/; `-` stands for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.folder import placed
from angel_hf.formats.vocabularies.headed_table import headed_rows
from angel_hf.formats.vocabularies.names import distinct_names, is_number
from angel_hf.formats.vocabularies.rows import Row
from angel_hf.types import Concept

HEEDED = ("taxa",)
_NOTHING = "-"
_PLACEHOLDER = "NEWENTRY"
"""The symbol of genes that a species' first articles are filed under."""
_COLUMNS = (
    "#tax_id",
    "GeneID",
    "Symbol",
    "Synonyms",
    "dbXrefs",
    "description",
    "Symbol_from_nomenclature_authority",
    "Full_name_from_nomenclature_authority",
    "Other_designations",
)
_HISTORY = ("#tax_id", "GeneID", "Discontinued_GeneID")


def read(source: Source, selection: Selection = EVERYTHING) -> Iterator[Term | Rejected]:
    """Stream the genes of a gene_info file, of the selected species; ids are those of Gene, in digits.

    Names are the symbol, which is the preferred one, the authority's symbol and full name, the description, synonyms
    and other designations. The semantic type is "Gene". Cross-references are those of dbXrefs, `HGNC:5`.

    Raises:
        ValueError: a column lacks.
    """
    taxa = _taxa(selection)
    for row in headed_rows(source, _COLUMNS):
        if isinstance(row, Rejected):
            yield row
        elif not taxa or row.cells[0] in taxa:
            gene = _gene(row)
            if gene is not None:
                yield gene


def read_history(source: Source, selection: Selection = EVERYTHING) -> Iterator[Retired | Rejected]:
    """Stream the discontinued genes of a gene_history file, each with the gene that replaces it, if any.

    Raises:
        ValueError: a column lacks.
    """
    taxa = _taxa(selection)
    for row in headed_rows(source, _HISTORY):
        if isinstance(row, Rejected):
            yield row
            continue
        taxon, successor, gene_id = row.cells
        if not is_number(gene_id):
            yield Rejected(row.line, f"Discontinued_GeneID {gene_id!r}; expected digits", row.raw)
        elif not taxa or taxon in taxa:
            yield Retired(gene_id, (successor,) if is_number(successor) else ())


def read_folder(folder: Path, selection: Selection = EVERYTHING) -> Iterator[Term | Retired | Rejected]:
    """Stream the genes of all gene_info files of a folder, then what its gene_history tells of discontinued ones."""
    for reader, paths in ((read, gene_files(folder)), (read_history, history_files(folder))):
        for path in paths:
            with Source(path) as source:
                for item in reader(source, selection):
                    yield placed(item, source) if isinstance(item, Rejected) else item


def gene_files(folder: Path) -> list[Path]:
    """The gene_info files of a folder."""
    return _named(folder, "gene_info")


def history_files(folder: Path) -> list[Path]:
    """The gene_history files of a folder."""
    return _named(folder, "gene_history")


def _named(folder: Path, ending: str) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.name.lower().removesuffix(".gz").endswith(ending) and path.is_file()
    )


def _taxa(selection: Selection) -> set[str]:
    return {taxon.removeprefix("NCBITaxon:") for taxon in selection.taxa}


def _gene(row: Row) -> Term | Rejected | None:
    """The gene of a row; None for a placeholder."""
    _, gene_id, symbol, synonyms, references, *others = ("" if cell == _NOTHING else cell.strip() for cell in row.cells)
    if not is_number(gene_id):
        return Rejected(row.line, f"GeneID {gene_id!r}; expected digits", row.raw)
    if symbol == _PLACEHOLDER:
        return None
    description, own_symbol, full_name, designations = others
    names = distinct_names((symbol, own_symbol, full_name, description, *synonyms.split("|"), *designations.split("|")))
    if not names:
        return Rejected(row.line, f"gene {gene_id} has no name; expected a Symbol", row.raw)
    # `HGNC:HGNC:5` repeats the prefix that belongs to the identifier.
    parts = (":".join(one.split(":")[-2:]) for one in references.split("|") if one)
    return Term(Concept(gene_id, names, semantic_types=("Gene",)), tuple(dict.fromkeys(parts)))
