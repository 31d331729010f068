"""Names and concepts added to a knowledge base and removed from it, on its tables.

The tables equal those that `KnowledgeBase.from_concepts` builds of the concepts that stay, followed by the added ones.
Names that stay are neither checked nor made Python strings; only those that may equal a new one are normalised again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from angel_hf.arrays.packed_strings import PackedStrings
from angel_hf.arrays.string_packing import join, pack, take
from angel_hf.knowledge_base.indexed_knowledge_base import IndexedKnowledgeBase
from angel_hf.knowledge_base.letter_sums import letter_sums
from angel_hf.knowledge_base.stored_knowledge_base import COLUMNS
from angel_hf.knowledge_base.table_builder import check_list
from angel_hf.knowledge_base.table_layout import Bearers, Column, lay_out
from angel_hf.text.reading import normalize


class UpdatedTables(NamedTuple):
    """The tables of the changed knowledge base, and the origin of its entries.

    Attributes:
        tables: by name.
        origin: int64 [entries], the entry of the old knowledge base, or -1 for a new one. Entries that were merged
            for a tokenizer are apart again, each with the origin that it was a part of.
    """

    tables: dict[str, np.ndarray]
    origin: np.ndarray


class _Entries(NamedTuple):
    """The entry of every name before and after a change, by numbers that the layout orders.

    Attributes:
        of_name: int64 [names].
        origin: int64 [numbers], the old entry of each, or -1.
    """

    of_name: np.ndarray
    origin: np.ndarray


def update_tables(
    old: IndexedKnowledgeBase,
    added: IndexedKnowledgeBase | None,
    removed_names: Mapping[str, Sequence[str]],
    removed_concepts: Iterable[str],
) -> UpdatedTables:
    """Change a knowledge base; see `KnowledgeBase.updated`.

    Args:
        old: the knowledge base.
        added: concepts and names to add, normalised alike.
        removed_names: names to take from concepts.
        removed_concepts: identifiers.

    Raises:
        ValueError: a concept or name to remove is unknown, a concept would be left without names, or no concept would
            be left.
    """
    pair_names, pair_concepts = _pairs(old)
    is_kept = ~_removed_pairs(old, pair_names, pair_concepts, removed_names, removed_concepts)
    pair_names, pair_concepts = pair_names[is_kept], pair_concepts[is_kept]
    stays = np.bincount(pair_concepts, minlength=old.num_concepts) > 0
    names, concept_ids, entries = old.names, old.concept_ids, _entries_apart(old)
    if added is not None:
        names, new_names, entries = _with_names(old, entries, added)
        concept_ids, new_concepts = _with_concepts(old, added)
        own_names, own_concepts = _pairs(added)
        pair_names = np.concatenate([pair_names, new_names[own_names]])
        pair_concepts = np.concatenate([pair_concepts, new_concepts[own_concepts]])
    if not len(pair_names):
        raise ValueError("no concept would be left; expected one at least that is not removed")
    # All is numbered by first occurrence, which leaves out what nothing refers to any more.
    used_names, pair_names = _by_first_occurrence(pair_names)
    used_entries, name_entries = _by_first_occurrence(entries.of_name[used_names])
    used_concepts, pair_concepts = _by_first_occurrence(pair_concepts)
    number = np.full(len(concept_ids), -1)
    number[used_concepts] = np.arange(len(used_concepts))
    columns = {}
    for name in COLUMNS:
        column = _column(name, old, np.where(stays, number[: old.num_concepts], -1))
        if added is not None:
            column = _joined(column, _column(name, added, number[new_concepts]))
        if column is not None and len(column.values):
            columns[name] = column
    bearers = Bearers(
        names=take(names, used_names),
        entries=name_entries,
        concept_ids=take(concept_ids, used_concepts),
        preferred=pair_names[np.unique(pair_concepts, return_index=True)[1]],
        pair_names=pair_names,
        pair_concepts=pair_concepts,
        columns=columns,
    )
    return UpdatedTables(lay_out(bearers), entries.origin[used_entries])


def _pairs(knowledge_base: IndexedKnowledgeBase) -> tuple[np.ndarray, np.ndarray]:
    """Every name of every concept, in the order of `concepts()`: positions of names and of concepts, int64 [pairs]."""
    offsets, names = knowledge_base.names_by_concept
    concepts = np.repeat(np.arange(knowledge_base.num_concepts), np.diff(offsets))
    is_preferred = names == knowledge_base.tables["concept_preferred"][concepts]
    return names[np.argsort(2 * concepts + ~is_preferred, kind="stable")], concepts


def _removed_pairs(
    old: IndexedKnowledgeBase,
    pair_names: np.ndarray,
    pair_concepts: np.ndarray,
    removed_names: Mapping[str, Sequence[str]],
    removed_concepts: Iterable[str],
) -> np.ndarray:
    """Which pairs to remove: bool [pairs]."""
    is_removed = np.zeros(len(pair_names), dtype=bool)
    check_list(removed_concepts, "the concepts to remove")
    for concept_id in removed_concepts:
        first, last = _span(old, concept_id)
        is_removed[first:last] = True
    for concept_id, names in removed_names.items():
        check_list(names, f"names to remove from concept {concept_id!r}")
        first, last = _span(old, concept_id)
        own = [old.names[name] for name in pair_names[first:last].tolist()]
        for name in names:
            if name not in own:
                raise ValueError(
                    f"concept {concept_id!r} has no name {name!r} to remove; expected one of {', '.join(own[:8])}"
                )
            is_removed[first + own.index(name)] = True
        if is_removed[first:last].all():
            raise ValueError(
                f"concept {concept_id!r} would be left without names; to remove all of it, name it among the concepts "
                "to remove"
            )
    return is_removed


def _span(old: IndexedKnowledgeBase, concept_id: str) -> tuple[int, int]:
    """The first pair of a concept, and the one after its last."""
    position = old.position_by_id.get(concept_id)
    if position is None:
        raise ValueError(
            f"concept {concept_id!r}, from which something is to be removed, is not among the {old.num_concepts:,} of "
            "the knowledge base; alternative identifiers are looked up with `resolve`"
        )
    first, last = old.names_by_concept[0][position : position + 2]
    return int(first), int(last)


def _entries_apart(old: IndexedKnowledgeBase) -> _Entries:
    """The entries, with those that were merged for a tokenizer apart again by normal form."""
    bounds = old.tables["entry_offsets"]
    sizes = np.diff(bounds)
    of_name = np.repeat(np.arange(old.num_entries), sizes)
    parts: list[int] = []
    for entry in np.flatnonzero(sizes > 1).tolist():
        first, last = bounds[entry : entry + 2].tolist()
        forms: dict[str, int] = {}
        for name in range(first, last):
            form = forms.setdefault(normalize(old.names[name], old.normalization), len(forms))
            if form:
                of_name[name] = old.num_entries + len(parts) + form - 1
        parts += [entry] * (len(forms) - 1)
    return _Entries(of_name, np.concatenate([np.arange(old.num_entries), np.array(parts, dtype=np.int64)]))


def _with_names(
    old: IndexedKnowledgeBase, entries: _Entries, added: IndexedKnowledgeBase
) -> tuple[PackedStrings, np.ndarray, _Entries]:
    """The names of both, the position of each added name among them, and the entries of all."""
    added_names = list(added.names)
    forms = [normalize(name, added.normalization) for name in added_names]
    position, known_entries = _known(old, entries, added_names, set(forms))
    entry_of_form = dict(known_entries)
    new_strings: list[str] = []
    new_entries: list[int] = []
    numbers = len(entries.origin)
    for name, form in zip(added_names, forms):
        if name not in position:
            position[name] = len(old.names) + len(new_strings)
            new_strings.append(name)
            new_entries.append(entry_of_form.setdefault(form, numbers + len(entry_of_form) - len(known_entries)))
    both = join(old.names, pack(new_strings))
    of_name = np.concatenate([entries.of_name, np.array(new_entries, dtype=np.int64)])
    origin = np.concatenate([entries.origin, np.full(len(entry_of_form) - len(known_entries), -1)])
    return both, np.array([position[name] for name in added_names]), _Entries(of_name, origin)


def _known(
    old: IndexedKnowledgeBase, entries: _Entries, names: Sequence[str], forms: set[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """The positions of those names that are known, and the entries of those normal forms that are known."""
    sought = set(names)
    positions: dict[str, int] = {}
    found: dict[str, int] = {}
    # Of millions of names only those with the letters of a form are decoded, and those with letters beyond ASCII.
    sums, is_ascii = letter_sums(old.names)
    form_sums, _ = letter_sums(pack(forms))
    for position in np.flatnonzero(np.isin(sums, form_sums) | ~is_ascii).tolist():
        name = old.names[position]
        form = normalize(name, old.normalization)
        if form in forms:
            found.setdefault(form, int(entries.of_name[position]))
            if name in sought:
                positions[name] = position
    return positions, found


def _with_concepts(old: IndexedKnowledgeBase, added: IndexedKnowledgeBase) -> tuple[PackedStrings, np.ndarray]:
    """The identifiers of both, and the position of each added concept among them."""
    ids = list(added.concept_ids)
    new = [concept_id for concept_id in ids if concept_id not in old.position_by_id]
    position = {concept_id: old.num_concepts + number for number, concept_id in enumerate(new)}
    both = join(old.concept_ids, pack(new))
    return both, np.array([old.position_by_id.get(own, position.get(own, -1)) for own in ids])


def _column(name: str, knowledge_base: IndexedKnowledgeBase, number: np.ndarray) -> Column | None:
    """An optional attribute of the concepts that stay, or None; `number` holds the new position of each, or -1."""
    if f"{name}_bytes" not in knowledge_base.tables:
        return None
    concepts = np.repeat(number, np.diff(knowledge_base.tables[f"concept_{name}_offsets"]))
    values = knowledge_base.tables[f"concept_{name}"]
    return Column(knowledge_base.strings(name), values[concepts >= 0], concepts[concepts >= 0])


def _joined(old: Column | None, added: Column | None) -> Column | None:
    """An attribute of the concepts of both."""
    if old is None or added is None:
        return added or old
    values = list(added.strings)
    sought = set(values)
    position = {value: place for place, value in enumerate(old.strings) if value in sought}
    new = [value for value in values if value not in position]
    position |= {value: len(old.strings) + place for place, value in enumerate(new)}
    return Column(
        join(old.strings, pack(new)),
        np.concatenate([old.values, np.array([position[value] for value in values])[added.values]]),
        np.concatenate([old.concepts, added.concepts]),
    )


def _by_first_occurrence(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values in the order of their first occurrence, and the index of each value among them."""
    distinct, first, which = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return distinct[order], number[which]
