"""MeSH as two tab-separated mappings: descriptors, and supplementary concept records.

A descriptor's row is `id, name, synonyms, tree numbers, taxonomy ids`, a supplementary record's `id, name,
synonyms, descriptors it is mapped to`. A bar joins synonyms, tree numbers and taxonomy ids, a comma the
mapped descriptors; any of them may be empty. Identifiers may have the prefix `MESH:`.
"""

from __future__ import annotations

from collections.abc import Iterator

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.mesh_tree import TreeParents
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier, shown, split_list
from angel_hf.formats.vocabularies.rows import Row, quoted_rows
from angel_hf.types import Concept

_DESCRIPTOR_COLUMNS = 5
_SUPPLEMENTARY_COLUMNS = 4
_EXPECTED = (
    "expected `id, name, synonyms, tree numbers, taxonomy ids` (descriptors) or `id, name, synonyms, mapped "
    "descriptors` (supplementary records), separated by tabs"
)


def read(source: Source) -> Iterator[Term | Rejected]:
    """Stream the concepts of a MeSH mapping; the first name is the preferred one.

    The parents of a descriptor are the descriptors one step up its tree numbers; those of a supplementary record are
    the descriptors that it is mapped to. Descriptors come after all is read, since a parent may follow in the file.
    """
    descriptors = TreeParents()
    for row in quoted_rows(source.lines(), "\t"):
        if isinstance(row, Rejected):
            yield Rejected(row.line, f"{row.cause}; {_EXPECTED}", row.raw)
            continue
        try:
            names = _names(row)
        except ValueError as error:
            yield Rejected(row.line, f"{error} in {shown(row.raw)}; {_EXPECTED}", row.raw)
            continue
        cells = row.cells
        if len(names) > 1 and not all(name.strip() for name in cells[2].split("|")):
            cause = f"{cells[0]} has an empty name among its synonyms; its other names are read"
            yield Rejected(row.line, cause, row.raw)
        if len(cells) == _SUPPLEMENTARY_COLUMNS:
            yield Term(Concept(cells[0].strip(), names, parents=tuple(dict.fromkeys(split_list(cells[3], ",")))))
        else:
            species = tuple(f"NCBITaxon:{taxon}" for taxon in split_list(cells[4]))
            descriptors.add(Term(Concept(cells[0].strip(), names), species), split_list(cells[3]))
    yield from descriptors.terms()


def _names(row: Row) -> tuple[str, ...]:
    """The names of a row that can be used.

    Raises:
        ValueError: it can't.
    """
    if len(row.cells) not in (_DESCRIPTOR_COLUMNS, _SUPPLEMENTARY_COLUMNS):
        raise ValueError(f"{len(row.cells)} columns")
    concept_id, name = row.cells[0].strip(), row.cells[1].strip()
    if not concept_id or not name:
        raise ValueError("an empty id or name")
    if not is_identifier(concept_id):
        raise ValueError("an id with white space")
    return distinct_names((name, *row.cells[2].split("|")))
