"""NCBI Taxonomy: the files of `taxdump.tar.gz`, packed or in a folder.

names.dmp, nodes.dmp, merged.dmp and delnodes.dmp as taxdump_readme.txt describes them: `\\t|\\t` divides columns,
`\\t|` ends a row. Names and nodes stand in the order of their tax_id.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.folder import file_in, placed
from angel_hf.formats.vocabularies.names import distinct_names, is_number
from angel_hf.formats.vocabularies.rows import plain_rows
from angel_hf.types import Concept

# What names a taxon; the others are authorities, specimens, and what it is confused with.
_NAME_CLASSES = (
    "scientific name",
    "genbank common name",
    "common name",
    "equivalent name",
    "synonym",
    "genbank synonym",
    "acronym",
    "genbank acronym",
    "blast name",
    "anamorph",
    "genbank anamorph",
    "teleomorph",
)
_Open = Callable[[str], AbstractContextManager[Source]]
_Keyed = tuple[int, int, list[str]]  # tax_id, line, all cells


def read_folder(folder: Path) -> Iterator[Term | Retired | Rejected]:
    """Stream the taxa of a folder that holds names.dmp and nodes.dmp; see `read_archive`."""

    @contextmanager
    def opened(name: str) -> Iterator[Source]:
        path = file_in(folder, name)
        if path is None:
            raise FileNotFoundError(f"{folder}: holds no {name}; expected the files of taxdump.tar.gz")
        with Source(path) as source:
            yield source

    there = {name for name in ("merged.dmp", "delnodes.dmp") if file_in(folder, name) is not None}
    return _read(opened, there)


def read_archive(path: Path) -> Iterator[Term | Retired | Rejected]:
    """Stream the taxa of taxdump.tar.gz; ids are tax_ids in digits.

    Names are the scientific one, which is the preferred one, common and equivalent names, synonyms and acronyms. The
    rank, "species", is the semantic type. Merged and deleted tax_ids are retired. Memory holds one taxon.

    Raises:
        ValueError: not a tar archive, names.dmp or nodes.dmp lacks, or one is not sorted.
    """

    @contextmanager
    def opened(name: str) -> Iterator[Source]:
        # Streamed: each file of it is read along, not unpacked.
        try:
            with tarfile.open(path, "r|*") as archive:
                for member in archive:
                    stream = archive.extractfile(member) if member.name.removeprefix("./") == name else None
                    if stream is not None:
                        yield Source(path.parent / path.name / name, stream)  # type: ignore[arg-type]
                        return
        except tarfile.TarError as error:
            raise ValueError(f"{path}: not a whole tar archive ({error}); expected NCBI's taxdump.tar.gz") from None
        raise ValueError(f"{path}: holds no {name}; expected NCBI's taxdump.tar.gz")

    return _read(opened, {"merged.dmp", "delnodes.dmp"})


def _read(opened: _Open, there: set[str]) -> Iterator[Term | Retired | Rejected]:
    rejected: list[Rejected] = []
    with opened("names.dmp") as names, opened("nodes.dmp") as nodes:
        yield from _taxa(_rows(names, 4, rejected), _rows(nodes, 3, rejected), rejected)
    for name, columns in (("merged.dmp", 2), ("delnodes.dmp", 1)):
        if name in there:
            with opened(name) as source:
                for _, _, cells in _rows(source, columns, rejected, is_sorted=False):
                    yield Retired(cells[0], tuple(filter(is_number, cells[1:2])))
    yield from rejected


def _taxa(names: Iterator[_Keyed], nodes: Iterator[_Keyed], rejected: list[Rejected]) -> Iterator[Term | Rejected]:
    """Both files side by side, each sorted by tax_id."""

    def is_lost(name: _Keyed) -> Rejected:
        return Rejected(name[1], f"a name of taxon {name[0]}, which nodes.dmp lacks", source="names.dmp")

    name = next(names, None)
    for tax_id, line, (own, parent, rank, *_) in nodes:
        while name is not None and name[0] < tax_id:
            yield is_lost(name)
            name = next(names, None)
        spelled: list[tuple[int, str]] = []
        while name is not None and name[0] == tax_id:
            text, name_class = name[2][1], name[2][3]
            if name_class in _NAME_CLASSES:
                spelled.append((_NAME_CLASSES.index(name_class), text))
            name = next(names, None)
        yield from rejected
        rejected.clear()
        ordered = distinct_names(text for _, text in sorted(spelled, key=lambda one: one[0]))
        if not ordered:
            yield Rejected(line, f"taxon {own} has no name in names.dmp", source="nodes.dmp")
            continue
        parents = (parent,) if parent != own and is_number(parent) else ()  # the root is its own parent
        yield Term(Concept(own, ordered, semantic_types=(rank,) if rank else (), parents=parents))
    while name is not None:
        yield is_lost(name)
        name = next(names, None)


def _rows(source: Source, columns: int, rejected: list[Rejected], is_sorted: bool = True) -> Iterator[_Keyed]:
    last = -1
    for row in plain_rows(source.lines(), "\t|\t"):
        if isinstance(row, Rejected):
            rejected.append(placed(row, source))
            continue
        cells = [cell.strip() for cell in (*row.cells[:-1], row.cells[-1].rstrip().removesuffix("|"))]
        if len(cells) < columns or not is_number(cells[0]):
            cause = f"{len(cells)} columns, the first {cells[0][:40]!r}; expected {columns} or more, and a tax_id"
            rejected.append(placed(Rejected(row.line, cause, row.raw), source))
            continue
        tax_id = int(cells[0])
        if is_sorted and tax_id < last:
            raise ValueError(
                f"{source.name}: not sorted: line {row.line} has {tax_id} after {last}; expected ascending tax_ids"
            )
        last = tax_id
        yield tax_id, row.line, cells
