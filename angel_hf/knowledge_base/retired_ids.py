"""Retired identifiers in a knowledge base: they stand for their successor, or are told where there is not just one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from angel_hf.arrays.packed_strings import PackedStrings
from angel_hf.arrays.ranges import offsets_from_lengths
from angel_hf.arrays.string_collector import StringCollector
from angel_hf.arrays.string_packing import join, pack
from angel_hf.formats.term import Retired
from angel_hf.knowledge_base.indexed_knowledge_base import IndexedKnowledgeBase
from angel_hf.knowledge_base.table_layout import Column, laid_out_column

_Pairs = list[tuple[int, str]]


def tables_with_retired(knowledge_base: IndexedKnowledgeBase, retired: Iterable[Retired]) -> dict[str, np.ndarray]:
    """The tables of a knowledge base with what is known of retired identifiers.

    One with a single successor that means the same, also through several retirements, becomes an alternative id of it.
    Any other becomes a retired id of each concept that may replace it; without any, it stands among the strings of that
    column and is of no concept. An identifier that is in use is left as it is.
    """
    by_id: dict[str, Retired] = {}
    for one in retired:
        known = by_id.get(one.concept_id)
        successors = one.successors if known is None else (*known.successors, *one.successors)
        is_exact = one.is_exact and (known is None or known.is_exact)
        by_id[one.concept_id] = Retired(one.concept_id, tuple(dict.fromkeys(successors)), is_exact)
    alternatives: _Pairs = []
    several: _Pairs = []
    withdrawn: list[str] = []
    for concept_id, one in by_id.items():
        if knowledge_base.position_of(concept_id) is not None:
            continue
        positions, is_exact = _successors(knowledge_base, by_id, one)
        if len(positions) == 1 and is_exact:
            alternatives.append((positions[0], concept_id))
        elif positions:
            several += [(position, concept_id) for position in positions]
        else:
            withdrawn.append(concept_id)
    tables = knowledge_base.tables | _column_with(knowledge_base, "alternative_id", alternatives)
    tables |= _column_with(knowledge_base, "retired_id", several)
    return _with_withdrawn(tables, withdrawn, knowledge_base.num_concepts) if withdrawn else tables


def _successors(
    knowledge_base: IndexedKnowledgeBase, by_id: dict[str, Retired], first: Retired
) -> tuple[list[int], bool]:
    """The positions of the concepts that replace an identifier, and whether they mean the same."""
    waiting, seen = [first], {first.concept_id}
    found: dict[int, None] = {}
    is_exact = True
    while waiting:
        one = waiting.pop()
        is_exact &= one.is_exact
        for successor in one.successors:
            position = knowledge_base.position_of(successor)
            if position is not None:
                found[position] = None
            elif successor in by_id and successor not in seen:
                seen.add(successor)
                waiting.append(by_id[successor])
    return sorted(found), is_exact


def _column_with(knowledge_base: IndexedKnowledgeBase, name: str, added: _Pairs) -> dict[str, np.ndarray]:
    """The tables of a column with more values; none where nothing is added."""
    if not added:
        return {}
    collector = StringCollector()
    concepts: list[int] = []
    for value, concept in _in_order(knowledge_base, name, added):
        collector.add((value,))
        concepts.append(concept)
    strings, _, values = collector.distinct()
    column = Column(strings, values, np.asarray(concepts, dtype=np.int64))
    return laid_out_column(name, column, knowledge_base.num_concepts)


def _in_order(knowledge_base: IndexedKnowledgeBase, name: str, added: _Pairs) -> Iterator[tuple[str, int]]:
    yield from knowledge_base.owners(name)
    yield from ((value, concept) for concept, value in added)


def _with_withdrawn(tables: dict[str, np.ndarray], withdrawn: list[str], concepts: int) -> dict[str, np.ndarray]:
    strings = pack(withdrawn)
    if "retired_id_bytes" in tables:
        strings = join(PackedStrings(tables["retired_id_bytes"], tables["retired_id_offsets"]), strings)
    else:
        tables |= {
            "concept_retired_id": np.empty(0, dtype=np.int32),
            "concept_retired_id_offsets": offsets_from_lengths(np.zeros(concepts, dtype=np.int64)),
        }
    return tables | {"retired_id_bytes": strings.data, "retired_id_offsets": strings.offsets}
