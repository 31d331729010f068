"""The UMLS Metathesaurus: a folder META of a release, or its MRCONSO.RRF alone.

The columns are those of the UMLS Reference Manual, chapter 3 (NBK9685).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.folder import Sorted, file_in
from angel_hf.formats.vocabularies.names import is_identifier, is_number, shown
from angel_hf.formats.vocabularies.rows import Row
from angel_hf.formats.vocabularies.umls.atoms import ATOM_COLUMNS, Atoms, Wanted, retired
from angel_hf.formats.vocabularies.umls.rrf import COLUMNS, Table, read_rows, tables, unsorted
from angel_hf.types import Concept

HEEDED = ("languages", "sources", "term_types", "semantic_types", "semantic_groups", "suppressed")
_Ranks = Mapping[tuple[str, str], int]


def read(source: Source, selection: Selection = EVERYTHING) -> Iterator[Term | Rejected]:
    """Stream the concepts of a file MRCONSO.RRF, or RxNorm's RXNCONSO.RRF; neighbouring rows of a CUI are one concept.

    Without a selection these are the English names that are not suppressed. The preferred name is that of the preferred
    term (TS is P, STT is PF, ISPREF is Y) and of the best term type. The codes of its vocabularies are a concept's
    cross-references, `MSH:D001260`, whichever of them are selected.

    Raises:
        ValueError: semantic types are selected, which MRSTY.RRF beside it would tell; nothing is of a language or
            source that is selected.
    """
    wanted = Wanted.by(selection)
    if wanted.types:
        raise ValueError(
            "MRCONSO.RRF alone has no semantic types; expected the folder that holds MRSTY.RRF, too, to select by them"
        )
    for atoms in _concepts(read_rows(source, COLUMNS["MRCONSO.RRF"].split(), ATOM_COLUMNS), wanted, {}):
        if isinstance(atoms, Rejected):
            yield atoms
        elif atoms.ranked and (names := atoms.names):
            yield Term(Concept(atoms.cui, names), tuple(atoms.codes))
    wanted.check_seen()


def read_folder(folder: Path, selection: Selection = EVERYTHING) -> Iterator[Term | Retired | Rejected]:
    """Stream the concepts of a release: META, or the folder that holds META.

    Names are those of `read`, the preferred one by MRRANK.RRF where that is there. Semantic types are TUIs (MRSTY.RRF).
    Parents are what MRREL.RRF relates as PAR or inverse_isa, in the selected vocabularies. The definition is the
    first one of a vocabulary that names the concept in a selected language (MRDEF.RRF). Retired CUIs are those of
    MRCUI.RRF. All files are read side by side, sorted as they are, so that memory holds one concept. Only MRCONSO.RRF
    must be there.

    Raises:
        ValueError: a file is not sorted by CUI; semantic types are selected, and there is no MRSTY.RRF; nothing is of a
            language or source that is selected.
    """
    meta = folder_of(folder)
    if meta is None:
        raise ValueError(f"{folder}: holds no MRCONSO.RRF; expected the folder META of a UMLS release")
    wanted = Wanted.by(selection)
    rejected: list[Rejected] = []
    files = tables(meta, rejected)
    if wanted.types and files["MRSTY.RRF"].path is None:
        raise ValueError(f"{meta}: holds no MRSTY.RRF; expected it, to select by semantic types or groups")
    yield from _terms(files, wanted, rejected)
    for cui, rows in files["MRCUI.RRF"].groups("CUI1", ("REL", "CUI2")):
        yield retired(cui, rows)
    yield from rejected
    wanted.check_seen()


def folder_of(folder: Path) -> Path | None:
    """Where in a release MRCONSO.RRF lies; None where it is none."""
    places = [folder, *(path for path in sorted(folder.iterdir()) if path.name.upper() == "META" and path.is_dir())]
    return next((place for place in places if file_in(place, "MRCONSO.RRF") is not None), None)


def _terms(files: Mapping[str, Table], wanted: Wanted, rejected: list[Rejected]) -> Iterator[Term | Rejected]:
    ranks = _ranks(files["MRRANK.RRF"])
    types = Sorted(files["MRSTY.RRF"].groups("CUI", ("TUI",)))
    definitions = Sorted(files["MRDEF.RRF"].groups("CUI", ("SAB", "DEF", "SUPPRESS")))
    columns = ("REL", "RELA", "CUI2", "SAB", "SUPPRESS")
    relations = Sorted(files["MRREL.RRF"].groups("CUI1", columns, ("|PAR|", "|inverse_isa|")))
    names = files["MRCONSO.RRF"]
    before = ""
    for atoms in _concepts(names.rows(ATOM_COLUMNS), wanted, ranks):
        if isinstance(atoms, Rejected):  # rows of a table keep theirs
            continue
        if atoms.cui < before:
            raise ValueError(unsorted(names.name, atoms.line, atoms.cui, before))
        before = atoms.cui
        yield from rejected
        rejected.clear()
        if not atoms.ranked:
            continue
        own_types = tuple(dict.fromkeys(tui for (tui,) in types.of(atoms.cui)))
        if wanted.types and wanted.types.isdisjoint(own_types):
            continue
        if not (spelled := atoms.names):
            continue
        parents = tuple(_parents(atoms.cui, relations.of(atoms.cui), wanted))
        definition = _definition(definitions.of(atoms.cui), atoms)
        concept = Concept(atoms.cui, spelled, semantic_types=own_types, parents=parents)
        yield Term(concept, tuple(atoms.codes), definition)
    for along in (types, definitions, relations):
        along.finish()


def _concepts(rows: Iterable[Row | Rejected], wanted: Wanted, ranks: _Ranks) -> Iterator[Atoms | Rejected]:
    """The wanted names of each concept, from neighbouring rows."""
    atoms: Atoms | None = None
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        cui = row.cells[0]
        if not is_identifier(cui):
            yield Rejected(row.line, f"the CUI {shown(cui)}; expected one such as C0000005", row.raw)
            continue
        if atoms is None or atoms.cui != cui:
            if atoms is not None:
                yield atoms
            atoms = Atoms(cui, row.line)
        atoms.add(row.cells, wanted, ranks)
    if atoms is not None:
        yield atoms


def _ranks(table: Table) -> dict[tuple[str, str], int]:
    """The precedence of each source's term types: the higher, the more preferred."""
    ranks: dict[tuple[str, str], int] = {}
    for row in table.rows(("RANK", "SAB", "TTY")):
        rank, source, term_type = row.cells
        if is_number(rank):
            ranks[source, term_type] = int(rank)
        else:
            table.rejected.append(Rejected(row.line, f"rank {rank!r}; expected digits", row.raw, str(table.path)))
    return ranks


def _parents(cui: str, rows: list[list[str]], wanted: Wanted) -> Iterator[str]:
    """REL is the relationship of the second concept to the first: PAR, the second is a parent of the first."""
    for parent in dict.fromkeys(
        other
        for relation, attribute, other, source, suppress in rows
        if (relation == "PAR" or attribute == "inverse_isa")
        and (suppress in ("N", "") or wanted.suppressed)
        and (not wanted.sources or source in wanted.sources)
    ):
        if is_identifier(parent) and parent != cui:
            yield parent


def _definition(rows: list[list[str]], atoms: Atoms) -> str:
    return next((text for source, text, suppress in rows if suppress in ("N", "") and source in atoms.sources), "")
