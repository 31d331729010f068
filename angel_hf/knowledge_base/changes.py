"""What a new release of a vocabulary changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from angel_hf.knowledge_base.release import Release, successors
from angel_hf.types import Concept

KINDS = {
    "added": "a concept that the old release does not have",
    "removed": "a concept that is gone; nothing says what replaces it, or only what to consider (after)",
    "merged": "a concept that became another one of the old release",
    "replaced": "a concept that has a new identifier",
    "split": "a concept that became several, or gave up an alternative identifier to a new one",
    "renamed": "another preferred name",
    "names": "names lost (before) and gained (after)",
    "parents": "parents lost (before) and gained (after)",
    "types": "semantic types lost (before) and gained (after)",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one concept.

    Args:
        kind: one of KINDS.
        concept_id: as the old release spells it; of an added one as the new release does.
        name: the preferred name in the old release; of an added one in the new.
        before: what the old release has and the new has not.
        after: what the new release has and the old has not; of a merged, replaced or split concept its successors.
    """

    kind: str
    concept_id: str
    name: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def compare(old: Release, new: Release) -> Iterator[Change]:
    """Every change, in the order of the old release and then of the new; time and memory are linear in their sizes.

    Identifiers are compared in their usual form: `D001260` of one release is `MESH:D001260` of the other. A parent that
    was merged or replaced is no other parent. Of parents and semantic types nothing is told where a release has none at
    all, as a file of another format.
    """
    followed: set[str] = set()
    compared = [name for name in ("parents", "semantic_types") if old.has(name) and new.has(name)]
    for key, concept in old.concepts.items():
        targets = successors(old, new, key)
        own = targets[0] if len(targets) == 1 else None
        if own is None or not new.is_exact(key):
            kind = "split" if own is None and targets else "removed"
            yield _change(kind, concept, after=tuple(new.concepts[target].concept_id for target in targets))
            followed.update(targets if kind == "split" else ())
            continue
        if own != key:
            kind = "merged" if own in old.concepts else "replaced"
            yield _change(kind, concept, after=(new.concepts[own].concept_id,))
            followed.add(own)
        if own not in old.concepts or own == key:
            yield from _differences(old, new, concept, new.concepts[own], compared)
    for key, concept in new.concepts.items():
        if key in old.concepts:
            continue
        former = old.current(key)
        if len(former) == 1 and former[0] in new.concepts:
            origin = old.concepts[former[0]]
            yield _change("split", origin, after=(new.concepts[former[0]].concept_id, concept.concept_id))
        elif key not in followed:
            yield _change("added", concept)


def _differences(
    old: Release, new: Release, before: Concept, after: Concept, compared: Sequence[str]
) -> Iterator[Change]:
    """What a concept that stays lost and gained."""
    if before.names[0] != after.names[0]:
        yield _change("renamed", before, (before.names[0],), (after.names[0],))
    lost, gained = _lost_and_gained(before.names, after.names)
    if lost or gained:
        yield _change("names", before, lost, gained)
    if "parents" in compared and before.parents != after.parents:
        lost, gained = _parents(old, new, before, after)
        if lost or gained:
            yield _change("parents", before, lost, gained)
    if "semantic_types" in compared:
        lost, gained = _lost_and_gained(before.semantic_types, after.semantic_types)
        if lost or gained:
            yield _change("types", before, lost, gained)


def _parents(old: Release, new: Release, before: Concept, after: Concept) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parents lost and gained; one that was merged or replaced is no other parent."""
    had = {(successors(old, new, old.key(parent)) or (old.key(parent),)): parent for parent in before.parents}
    has = {(new.current(new.key(parent)) or (new.key(parent),)): parent for parent in after.parents}
    lost = tuple(parent for current, parent in had.items() if current not in has)
    gained = tuple(parent for current, parent in has.items() if current not in had)
    return lost, gained


def _lost_and_gained(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if before == after:
        return (), ()
    had, has = set(before), set(after)
    return tuple(one for one in before if one not in has), tuple(one for one in after if one not in had)


def _change(kind: str, concept: Concept, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Change:
    return Change(kind, concept.concept_id, concept.names[0], before, after)
