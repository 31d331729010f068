"""The formats of vocabularies: files recognised by content, then by name; folders by the files that they hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term_format import FileFormat, FolderFormat, Records, has_root, plain, refused, starts_with
from angel_hf.formats.vocabularies import (
    ctd,
    icd10_list,
    icd10_xml,
    icd11,
    medic,
    mesh_ascii,
    mesh_mapping,
    mesh_xml,
    ncbi_gene,
    ncbi_taxonomy,
    orphanet,
    snomed,
    term_table,
    two_columns,
)
from angel_hf.formats.vocabularies.folder import file_in
from angel_hf.formats.vocabularies.umls import metathesaurus

_LINES_TRIED = 20


def _most_lines(pattern: str) -> Callable[[Source, str], bool]:
    """Whether most of the first lines are of a form; some of them may be bad."""
    compiled = re.compile(pattern)

    def is_it(_: Source, head: str) -> bool:
        lines = [line for line in head.split("\n")[:_LINES_TRIED] if line.strip()]
        return 2 * sum(compiled.match(line) is not None for line in lines) > len(lines)

    return is_it


def _is_tar_of_taxa(_: Source, head: str) -> bool:
    return head[257:262] == "ustar" and head[:100].rstrip("\0").endswith(".dmp")


def _read_archive(source: Source, _: Selection) -> Records:
    if source.path is None:
        raise ValueError("taxdump.tar.gz is read from a file; expected its path instead of standard input")
    yield from ncbi_taxonomy.read_archive(source.path)


def _is_of_a_folder(source: Source, head: str) -> bool:
    name = source.path.name if source.path is not None else ""
    return re.match(r"x?(?:sct2|der2)_|MR\w+\.RRF|(?:nodes|names|merged|delnodes)\.dmp", name) is not None or (
        head.startswith("id\teffectiveTime\tactive\tmoduleId\t")
    )


_A_PART = "is one file of a vocabulary that takes several together; expected the folder that holds them"

# To add a format: a file beside this one, and a line here, before the formats that would take its files, too.
VOCABULARY_FORMATS = (
    FileFormat(
        "MeSH XML",
        has_root("DescriptorRecordSet", "SupplementalRecordSet", "QualifierRecordSet"),
        plain(mesh_xml.read),
    ),
    FileFormat("MeSH ASCII", starts_with(r"\*NEWRECORD"), plain(mesh_ascii.read)),
    FileFormat(
        "a tab-separated MeSH mapping `id, name, synonyms, ...`",
        _most_lines(r"(?:MESH:)?[A-Z]\d{6,}\t[^\t]*\t[^\t]*\t"),
        plain(mesh_mapping.read),
    ),
    FileFormat(
        "UMLS's MRCONSO.RRF",
        _most_lines(r"C\d{7}\|[A-Z]{3}\|[PSps]?\|[^|]*\|[A-Z]*\|"),
        metathesaurus.read,
        metathesaurus.HEEDED,
    ),
    FileFormat(
        "RxNorm's RXNCONSO.RRF",
        _most_lines(r"\d+\|[A-Z]{3}\|\|\|\|\|[YN]?\|\d+\|"),
        metathesaurus.read,
        metathesaurus.HEEDED,
    ),
    FileFormat("a part of a vocabulary", _is_of_a_folder, refused(_A_PART)),
    FileFormat("Orphanet XML", has_root("JDBOR"), plain(orphanet.read)),
    FileFormat("ICD-10-CM's tabular XML", has_root("ICD10CM.tabular"), plain(icd10_xml.read_tabular)),
    FileFormat("ICD-10 ClaML", has_root("ClaML"), plain(icd10_xml.read_claml)),
    FileFormat("ICD-10-CM's order file", lambda _, head: icd10_list.is_icd10_list(head), plain(icd10_list.read)),
    FileFormat("ICD-11's simple tabulation", lambda _, head: icd11.is_icd11(head), plain(icd11.read)),
    FileFormat("CTD's tables", lambda _, head: ctd.is_ctd(head), plain(ctd.read)),
    FileFormat("NCBI's gene_info", starts_with(r"#tax_id\tGeneID\tSymbol"), ncbi_gene.read, ncbi_gene.HEEDED),
    FileFormat(
        "NCBI's gene_history",
        starts_with(r"#tax_id\tGeneID\tDiscontinued_GeneID"),
        ncbi_gene.read_history,
        ncbi_gene.HEEDED,
    ),
    FileFormat("NCBI's taxdump.tar.gz", _is_tar_of_taxa, _read_archive),
    FileFormat(
        "MEDIC or BioSyn text `ID|ALT_ID||name|name`", _most_lines(r"[^|\s]+(?:\|[^|\s]+)*\|\|"), plain(medic.read)
    ),
    FileFormat(
        "a table with the columns concept_id and name",
        lambda _, head: term_table.is_term_table(head),
        plain(term_table.read),
    ),
    FileFormat(
        "two columns of identifiers and names",
        lambda _, head: two_columns.delimiter_of(head) is not None,
        plain(two_columns.read),
    ),
    # So that the error is about its columns.
    FileFormat("CSV", lambda source, _: source.ending in (".csv", ".tsv"), plain(term_table.read)),
)
FOLDER_FORMATS = (
    FolderFormat(
        "a folder of UMLS",
        lambda folder: metathesaurus.folder_of(folder) is not None,
        metathesaurus.read_folder,
        metathesaurus.HEEDED,
    ),
    FolderFormat(
        "a folder of NCBI Taxonomy",
        lambda folder: file_in(folder, "names.dmp") is not None,
        lambda folder, _: ncbi_taxonomy.read_folder(folder),
    ),
    FolderFormat(
        "a folder of NCBI Gene",
        lambda folder: bool(ncbi_gene.gene_files(folder)),
        ncbi_gene.read_folder,
        ncbi_gene.HEEDED,
    ),
    FolderFormat("a release of SNOMED CT", snomed.is_release, snomed.read_folder, snomed.HEEDED),
)


def vocabulary_format_of(source: Source) -> FileFormat | None:
    """The format of a file; None where it is none of them."""
    head = source.head().lstrip("\r\n")
    return next((one for one in VOCABULARY_FORMATS if one.is_it(source, head)), None)


def folder_format_of(folder: Path) -> FolderFormat | None:
    """The format of a folder; None where it is none of them."""
    return next((one for one in FOLDER_FORMATS if one.is_it(folder)), None)
