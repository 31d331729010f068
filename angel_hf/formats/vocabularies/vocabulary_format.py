"""The formats of vocabularies: files recognised by content, then by name; folders by the files that they hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
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
Items = Iterator[Term | Retired | Rejected]


@dataclass(frozen=True, slots=True)
class VocabularyFormat:
    """A format of one file.

    Args:
        name: for errors and help.
        is_it: whether a file is of it, by the source's name and its first characters, without empty lines in front.
        read: its terms; a selection says which.
        heeded: what of a selection it heeds.
    """

    name: str
    is_it: Callable[[Source, str], bool]
    read: Callable[[Source, Selection], Items]
    heeded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FolderFormat:
    """A format of a folder of several files; see `VocabularyFormat`."""

    name: str
    is_it: Callable[[Path], bool]
    read: Callable[[Path, Selection], Items]
    heeded: tuple[str, ...] = ()


def _starts(pattern: str) -> Callable[[Source, str], bool]:
    compiled = re.compile(pattern)
    return lambda _, head: compiled.match(head) is not None


def _most_lines(pattern: str) -> Callable[[Source, str], bool]:
    """Whether most of the first lines are of a form; some of them may be bad."""
    compiled = re.compile(pattern)

    def is_it(_: Source, head: str) -> bool:
        lines = [line for line in head.split("\n")[:_LINES_TRIED] if line.strip()]
        return 2 * sum(compiled.match(line) is not None for line in lines) > len(lines)

    return is_it


def _has_root(*names: str) -> Callable[[Source, str], bool]:
    """XML whose root is one of some elements, after a declaration, comments and a DTD."""
    root = re.compile(rf"<(?:\w+:)?(?:{'|'.join(map(re.escape, names))})[\s>/]")
    return lambda _, head: head.lstrip().startswith("<") and root.search(head) is not None


def _plain(read: Callable[[Source], Items]) -> Callable[[Source, Selection], Items]:
    return lambda source, _: read(source)


def _is_tar_of_taxa(_: Source, head: str) -> bool:
    return head[257:262] == "ustar" and head[:100].rstrip("\0").endswith(".dmp")


def _read_archive(source: Source, _: Selection) -> Items:
    if source.path is None:
        raise ValueError("taxdump.tar.gz is read from a file; expected its path instead of standard input")
    yield from ncbi_taxonomy.read_archive(source.path)


def _is_of_a_folder(source: Source, head: str) -> bool:
    name = source.path.name if source.path is not None else ""
    return re.match(r"x?(?:sct2|der2)_|MR\w+\.RRF|(?:nodes|names|merged|delnodes)\.dmp", name) is not None or (
        head.startswith("id\teffectiveTime\tactive\tmoduleId\t")
    )


def _refuse_part(source: Source, _: Selection) -> Items:
    cause = "is one file of a vocabulary that takes several together; expected the folder that holds them"
    yield Rejected(0, cause, source=source.name, is_rest=True)


# To add a format: a file beside this one, and a line here, before the formats that would take its files, too.
VOCABULARY_FORMATS = (
    VocabularyFormat(
        "MeSH XML",
        _has_root("DescriptorRecordSet", "SupplementalRecordSet", "QualifierRecordSet"),
        _plain(mesh_xml.read),
    ),
    VocabularyFormat("MeSH ASCII", _starts(r"\*NEWRECORD"), _plain(mesh_ascii.read)),
    VocabularyFormat(
        "a tab-separated MeSH mapping `id, name, synonyms, ...`",
        _most_lines(r"(?:MESH:)?[A-Z]\d{6,}\t[^\t]*\t[^\t]*\t"),
        _plain(mesh_mapping.read),
    ),
    VocabularyFormat(
        "UMLS's MRCONSO.RRF",
        _most_lines(r"C\d{7}\|[A-Z]{3}\|[PSps]?\|[^|]*\|[A-Z]*\|"),
        metathesaurus.read,
        metathesaurus.HEEDED,
    ),
    VocabularyFormat(
        "RxNorm's RXNCONSO.RRF",
        _most_lines(r"\d+\|[A-Z]{3}\|\|\|\|\|[YN]?\|\d+\|"),
        metathesaurus.read,
        metathesaurus.HEEDED,
    ),
    VocabularyFormat("a part of a vocabulary", _is_of_a_folder, _refuse_part),
    VocabularyFormat("Orphanet XML", _has_root("JDBOR"), _plain(orphanet.read)),
    VocabularyFormat("ICD-10-CM's tabular XML", _has_root("ICD10CM.tabular"), _plain(icd10_xml.read_tabular)),
    VocabularyFormat("ICD-10 ClaML", _has_root("ClaML"), _plain(icd10_xml.read_claml)),
    VocabularyFormat("ICD-10-CM's order file", lambda _, head: icd10_list.is_icd10_list(head), _plain(icd10_list.read)),
    VocabularyFormat("ICD-11's simple tabulation", lambda _, head: icd11.is_icd11(head), _plain(icd11.read)),
    VocabularyFormat("CTD's tables", lambda _, head: ctd.is_ctd(head), _plain(ctd.read)),
    VocabularyFormat("NCBI's gene_info", _starts(r"#tax_id\tGeneID\tSymbol"), ncbi_gene.read, ncbi_gene.HEEDED),
    VocabularyFormat(
        "NCBI's gene_history",
        _starts(r"#tax_id\tGeneID\tDiscontinued_GeneID"),
        ncbi_gene.read_history,
        ncbi_gene.HEEDED,
    ),
    VocabularyFormat("NCBI's taxdump.tar.gz", _is_tar_of_taxa, _read_archive),
    VocabularyFormat(
        "MEDIC or BioSyn text `ID|ALT_ID||name|name`", _most_lines(r"[^|\s]+(?:\|[^|\s]+)*\|\|"), _plain(medic.read)
    ),
    VocabularyFormat(
        "a table with the columns concept_id and name",
        lambda _, head: term_table.is_term_table(head),
        _plain(term_table.read),
    ),
    VocabularyFormat(
        "two columns of identifiers and names",
        lambda _, head: two_columns.delimiter_of(head) is not None,
        _plain(two_columns.read),
    ),
    # So that the error is about its columns.
    VocabularyFormat("CSV", lambda source, _: source.ending in (".csv", ".tsv"), _plain(term_table.read)),
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


def vocabulary_format_of(source: Source) -> VocabularyFormat | None:
    """The format of a file; None where it is none of them."""
    head = source.head().lstrip("\r\n")
    return next((one for one in VOCABULARY_FORMATS if one.is_it(source, head)), None)


def folder_format_of(folder: Path) -> FolderFormat | None:
    """The format of a folder; None where it is none of them."""
    return next((one for one in FOLDER_FORMATS if one.is_it(folder)), None)
