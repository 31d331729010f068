"""What of the records of a file can be used: one bad name costs that name, one bad record that record."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.term import Retired, Term, Unnamed, fault_of
from angel_hf.formats.term_format import Records

_LISTS = {
    "names": "name",
    "alternative_ids": "alternative id",
    "semantic_types": "semantic type",
    "parents": "parent",
    "cross_references": "cross-reference",
    "retired_ids": "retired id",
}
_LOG = logging.getLogger(__name__)
_MOST_SHOWN = 80


def usable(source: str, records: Records, rejections: Rejections | None = None) -> Iterator[Term | Retired]:
    """The terms whose strings can be shown and stored, and what is retired.

    Args:
        source: the file, for rejections that do not name one.
        records: what a reader yields.
        rejections: takes what cannot be used; without it that is told by a warning in the log, when all is read.

    Raises:
        ValueError: no term can be used and something was rejected, the file is damaged, or `rejections` is strict.
    """
    taken = Rejections() if rejections is None else rejections
    before = taken.count
    first: Rejected | None = None
    has_terms = False
    for record in records:
        found = [record] if isinstance(record, Rejected) else []
        if isinstance(record, Unnamed):
            taken.unnamed += 1
        elif isinstance(record, Term):
            term, found = _checked(record)
            if term is not None:
                has_terms = True
                yield term
        elif isinstance(record, Retired):
            yield record
        for rejected in found:
            placed = rejected if rejected.source else replace(rejected, source=source)
            first = first or placed
            taken.add(placed)
    if not has_terms and first is not None:
        more = taken.count - before - 1
        raise ValueError(f"{first}" + (f"; and {more:,} more like it: nothing in the file can be used" if more else ""))
    if rejections is None and taken.told():
        _LOG.warning("%s: %s", source, taken.told())


def _checked(term: Term) -> tuple[Term | None, list[Rejected]]:
    """The term without what is wrong with it; None where nothing is left."""
    concept = term.concept
    fault = fault_of(concept.concept_id)
    if fault is not None:
        names = ", ".join(map(str, concept.names))
        return None, [_rejected(f"the concept id {_shown(concept.concept_id)} of the names {_shown(names)} {fault}")]
    rejected: list[Rejected] = []
    kept: dict[str, Any] = {}
    for attribute, kind in _LISTS.items():
        values = getattr(concept, attribute)
        faults = [fault_of(value) for value in values]
        if any(faults):
            rejected += [
                _rejected(f"the {kind} {_shown(value)} of {concept.concept_id} {fault}; the rest of it is read")
                for value, fault in zip(values, faults)
                if fault is not None
            ]
            kept[attribute] = tuple(value for value, fault in zip(values, faults) if fault is None)
    references = tuple(one for one in term.cross_references if fault_of(one) is None)
    if references != term.cross_references:
        odd = next(one for one in term.cross_references if fault_of(one) is not None)
        cause = f"the cross-reference {_shown(odd)} of {concept.concept_id} {fault_of(odd)}; the rest of it is read"
        rejected.append(_rejected(cause))
        term = replace(term, cross_references=references)
    if kept:
        concept = replace(concept, **kept)
    if not concept.names:
        first = next((f": {_shown(name)} {fault}" for name in term.concept.names if (fault := fault_of(name))), "")
        return None, [_rejected(f"concept {concept.concept_id} has no name that can be used{first}")]
    return (replace(term, concept=concept) if kept else term), rejected


def _rejected(cause: str) -> Rejected:
    return Rejected(0, cause)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
