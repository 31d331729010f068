"""What becomes of a stored identifier when a vocabulary has a new release."""

from __future__ import annotations

from dataclasses import dataclass

from angel_hf.knowledge_base.release import Release, successors
from angel_hf.text.identifiers import parse_identifier

_NO_CONCEPT = frozenset({"", "-", "-1", "none", "null", "nil", "na", "n/a", "cui-less", "unknown"})
UNRESOLVED = {
    "several": "it has several successors, and a person has to choose",
    "uncertain": "its successor may not mean the same",
    "retired": "it is retired without a successor",
    "unknown": "neither release has it",
}


@dataclass(frozen=True, slots=True)
class Renewed:
    """What an identifier became.

    Args:
        outcome: "current" (still in use), "renewed" (replaced or merged), one of UNRESOLVED, "other" (of a vocabulary
            that neither release is of) or "none" (the annotation says that there is no concept).
        identifier: to be written: where it is renewed with the prefix that it had, else as it came.
        successors: the concepts that it stands for in the new release, as that spells them.
    """

    outcome: str
    identifier: str
    successors: tuple[str, ...] = ()


class Renewal:
    """Identifiers of an old release, looked up in a new one; each is looked up once."""

    def __init__(self, old: Release, new: Release) -> None:
        self._old, self._new = old, new
        self._vocabularies = old.vocabularies | new.vocabularies
        self._known: dict[str, Renewed] = {}

    def renew(self, identifier: str) -> Renewed:
        """What an identifier became, however it is spelled."""
        if identifier not in self._known:
            self._known[identifier] = self._renew(identifier)
        return self._known[identifier]

    def _renew(self, identifier: str) -> Renewed:
        stripped = identifier.strip()
        if stripped.casefold() in _NO_CONCEPT or parse_identifier(stripped).local in _NO_CONCEPT:
            return Renewed("none", identifier)
        key = self._new.find(stripped)
        if not self._new.knows(key):
            key = self._old.find(stripped)
        targets = successors(self._old, self._new, key)
        spelled = tuple(self._new.concepts[target].concept_id for target in targets)
        # MEDIC's alternative ids are of another vocabulary, and as valid as the primary one.
        is_other = self._new.knows(key) and all(_prefix(target) != _prefix(key) for target in targets)
        if targets == (key,) or (len(targets) == 1 and is_other):
            return Renewed("current", identifier, spelled)
        if len(targets) == 1 and not self._new.is_exact(key):
            return Renewed("uncertain", identifier, spelled)
        if len(targets) == 1:
            written = self._written(stripped, targets[0], spelled[0])
            return Renewed("renewed", identifier.replace(stripped, written), spelled)
        if targets:
            return Renewed("several", identifier, spelled)
        if self._new.knows(key) or self._old.knows(key):
            return Renewed("retired", identifier)
        return Renewed("unknown" if _prefix(key) in self._vocabularies else "other", identifier)

    @staticmethod
    def _written(came: str, target: str, spelled: str) -> str:
        """The new identifier in the style of the one that came."""
        before, after = parse_identifier(came), parse_identifier(target)
        if before.prefix and before.prefix == after.prefix and came.endswith(before.local):
            return came.removesuffix(before.local) + after.local
        return target if before.prefix else spelled


def _prefix(key: str) -> str:
    return key.rpartition(":")[0]
