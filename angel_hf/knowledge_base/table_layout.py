"""Names and their concepts, laid out as the tables of a knowledge base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from angel_hf.arrays.packed_strings import PackedStrings
from angel_hf.arrays.ranges import offsets_from_lengths
from angel_hf.arrays.string_collector import StringCollector
from angel_hf.arrays.string_packing import take


@dataclass(frozen=True)
class Column:
    """An optional attribute of concepts: strings, and which concept has which.

    Attributes:
        strings: the distinct values, in any order.
        values: int [pairs], positions in `strings`.
        concepts: int [pairs], in the order of the source; pairs may repeat.
    """

    strings: PackedStrings
    values: np.ndarray
    concepts: np.ndarray


@dataclass(frozen=True)
class Bearers:
    """Which concept bears which name.

    Attributes:
        names: the distinct spellings, in the order of their first occurrence.
        entries: int [names], the entry of each, counted in the same order.
        concept_ids: the distinct identifiers, in the order of their first occurrence.
        preferred: int [concepts], the preferred name of each.
        pair_names, pair_concepts: int [pairs], in the order of the source; pairs may repeat.
        columns: the optional attributes of the concepts, by name.
    """

    names: PackedStrings
    entries: np.ndarray
    concept_ids: PackedStrings
    preferred: np.ndarray
    pair_names: np.ndarray
    pair_concepts: np.ndarray
    columns: dict[str, Column]


def lay_out(bearers: Bearers) -> dict[str, np.ndarray]:
    """The tables of a KnowledgeBase: the spellings of an entry side by side, and so the concepts of a spelling."""
    by_entry = np.argsort(bearers.entries, kind="stable")
    position = np.empty(len(by_entry), dtype=np.int64)
    position[by_entry] = np.arange(len(by_entry))
    names = take(bearers.names, by_entry)
    offsets, concepts = _grouped(position[bearers.pair_names], bearers.pair_concepts, len(names))
    tables = {
        "name_bytes": names.data,
        "name_offsets": names.offsets,
        "entry_offsets": offsets_from_lengths(np.bincount(bearers.entries)),
        "name_concept_offsets": offsets,
        "name_concepts": concepts,
        "concept_bytes": bearers.concept_ids.data,
        "concept_offsets": bearers.concept_ids.offsets,
        "concept_preferred": position[bearers.preferred],
    }
    for name, column in bearers.columns.items():
        tables |= laid_out_column(name, column, len(bearers.concept_ids))
    return tables


def column_tables(name: str, values: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """The tables of an optional attribute, of the values of each concept; none where no concept has any."""
    collector = StringCollector()
    for own in values:
        collector.add(own)
    if not len(collector):
        return {}
    strings, _, numbers = collector.distinct()
    concepts = np.repeat(np.arange(len(values)), [len(own) for own in values])
    return laid_out_column(name, Column(strings, numbers, concepts), len(values))


def laid_out_column(name: str, column: Column, concepts: int) -> dict[str, np.ndarray]:
    """The tables of an optional attribute."""
    offsets, values = _grouped(column.concepts, column.values, concepts)
    # Values are numbered by their first occurrence, concept by concept.
    used, first = np.unique(values, return_index=True)
    order = used[np.argsort(first)]
    number = np.zeros(len(column.strings), dtype=np.int32)
    number[order] = np.arange(len(order))
    strings = take(column.strings, order)
    return {
        f"{name}_bytes": strings.data,
        f"{name}_offsets": strings.offsets,
        f"concept_{name}": number[values],
        f"concept_{name}_offsets": offsets,
    }


def _grouped(keys: np.ndarray, values: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of each key, in their order: offsets int64 [groups + 1] and values int32."""
    pairs = (keys.astype(np.int64) << 32) | values
    in_order = np.sort(pairs)
    if np.any(in_order[1:] == in_order[:-1]):
        first = np.sort(np.unique(pairs, return_index=True)[1])
        keys, values = keys[first], values[first]
    del pairs, in_order
    order = np.argsort(keys, kind="stable")
    return offsets_from_lengths(np.bincount(keys, minlength=groups)), values[order].astype(np.int32)
