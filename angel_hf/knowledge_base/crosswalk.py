"""The identifiers that concepts have in another vocabulary, by the cross-references of one or more files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from angel_hf.formats.term import Term
from angel_hf.knowledge_base.cross_references import bare_vocabulary, concept_of, own_identifiers
from angel_hf.text.identifiers import parse_identifier, vocabulary

MOST_SHARING = 10  # a third identifier that leads to more is a class of concepts (ICD9:799.9), and tells nothing


@dataclass(frozen=True, slots=True)
class Mapping:
    """One concept and one identifier of another vocabulary.

    Args:
        from_id, to_id: in their usual form.
        from_name, to_name: preferred names; `to_name` is empty where no file has one.
        relation: "alternative" (the same concept's other identifier), "direct" (one of the two refers to the other), or
            "shared" (both refer to, or are referred to by, a third).
        via: that third identifier; empty for the other relations.
        sources: the files that say so.
    """

    from_id: str
    from_name: str
    to_id: str
    to_name: str
    relation: str
    via: str
    sources: tuple[str, ...]


class Crosswalk:
    """Identifiers that the terms of some files put side by side.

    Args:
        files: the name of each file and its terms.
    """

    def __init__(self, files: Iterable[tuple[str, Iterable[Term]]]) -> None:
        self._beside: dict[str, dict[str, dict[str, None]]] = {}  # identifier -> identifier beside it -> the files
        self._names: dict[str, str] = {}
        self._primary: dict[str, str] = {}  # alternative id -> primary id of the same vocabulary
        self._own: dict[str, list[tuple[str, ...]]] = {}  # of each file
        all_terms = [(name, list(terms)) for name, terms in files]
        for name, terms in all_terms:
            bare = bare_vocabulary([term.concept for term in terms])
            self._own[name] = [tuple(own_identifiers(term.concept, bare)) for term in terms]
            for term, (primary, *alternatives) in zip(terms, self._own[name]):
                self._names.setdefault(primary, term.concept.names[0])
                for one in alternatives:
                    if parse_identifier(one).prefix == parse_identifier(primary).prefix:
                        self._primary.setdefault(one, primary)
        for name, terms in all_terms:
            for term, (primary, *alternatives) in zip(terms, self._own[name]):
                for one in (*alternatives, *concept_of(term).cross_references):
                    self._join(primary, one, name)

    def _join(self, first: str, second: str, file: str) -> None:
        first, second = self._current(first), self._current(second)
        if first != second:
            self._beside.setdefault(first, {}).setdefault(second, {})[file] = None
            self._beside.setdefault(second, {}).setdefault(first, {})[file] = None

    def _current(self, identifier: str) -> str:
        """The primary identifier of one that its vocabulary has merged into another."""
        primary = self._primary.get(identifier, identifier)
        return identifier if primary in self._primary else primary

    def mappings(self, file: str, to: str) -> Iterator[Mapping]:
        """The identifiers of one vocabulary for each concept of a file that has any, in the file's order.

        What is direct comes alone: a third identifier is asked only for a concept that has nothing direct, and only one
        that leads to no more than MOST_SHARING identifiers. Concepts of that vocabulary itself are passed over.

        Raises:
            ValueError: the vocabulary is not known.
        """
        prefix = f"{vocabulary(to)}:"
        for primary, *alternatives in self._own[file]:
            if primary.startswith(prefix):
                continue
            own = [primary, *(one for one in alternatives if self._current(one) != self._current(primary))]
            found = self._direct(own, prefix) or self._shared(own, prefix)
            for target, (relation, via, sources) in found.items():
                name = self._names.get(primary, "")
                yield Mapping(
                    primary, name, target, self._names.get(target, ""), relation, via, tuple(dict.fromkeys(sources))
                )

    def _direct(self, own: Sequence[str], prefix: str) -> dict[str, tuple[str, str, Iterable[str]]]:
        found: dict[str, tuple[str, str, Iterable[str]]] = {}
        for one in own:
            for target, sources in self._beside.get(self._current(one), {}).items():
                if target.startswith(prefix) and target != own[0]:
                    relation = "alternative" if target in own else "direct"
                    found.setdefault(target, (relation, "", sources))
        return found

    def _shared(self, own: Sequence[str], prefix: str) -> dict[str, tuple[str, str, Iterable[str]]]:
        found: dict[str, tuple[str, str, Iterable[str]]] = {}
        for one in own:
            for third, sources in self._beside.get(self._current(one), {}).items():
                targets = {} if third in own else self._beside[third]
                reached = [target for target in targets if target.startswith(prefix) and target not in own]
                if len(reached) <= MOST_SHARING:
                    for target in reached:
                        found.setdefault(target, ("shared", third, (*sources, *targets[target])))
        return found
