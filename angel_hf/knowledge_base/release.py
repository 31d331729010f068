"""One release of a vocabulary: its concepts, and what became of its retired identifiers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import chain

from angel_hf.formats.term import Retired, Term
from angel_hf.knowledge_base.cross_references import bare_vocabulary
from angel_hf.text.identifiers import normalize_identifier, vocabularies_of_form
from angel_hf.types import Concept


class Release:
    """The concepts of a release by identifiers in the usual form, so that releases that spell them otherwise meet.

    Args:
        terms: what a file holds, or the concepts of a knowledge base; a concept that comes twice is merged.

    Attributes:
        concepts: by normalised identifier, in the order of the file.
    """

    def __init__(self, terms: Iterable[Term | Retired | Concept]) -> None:
        found = list(terms)
        concepts = [one.concept if isinstance(one, Term) else one for one in found if not isinstance(one, Retired)]
        self._bare = bare_vocabulary(concepts)
        self.concepts: dict[str, Concept] = {}
        for concept in concepts:
            key = self.key(concept.concept_id)
            known = self.concepts.get(key)
            self.concepts[key] = concept if known is None else _merged(known, concept)
        self._retired = {self.key(one.concept_id): one for one in found if isinstance(one, Retired)}

    def key(self, identifier: str) -> str:
        """The usual form of an identifier as this release spells its own."""
        return normalize_identifier(identifier, self._bare)

    def find(self, identifier: str) -> str:
        """The normalised form of an identifier that a text's annotation has, bare or not, as this release knows it."""
        key = self.key(identifier)
        if ":" in key or self.knows(key):
            return key
        fitting = [form for prefix in vocabularies_of_form(key) if self.knows(form := f"{prefix}:{key}")]
        return fitting[0] if len(fitting) == 1 else key

    def knows(self, key: str) -> bool:
        """Whether a normalised identifier is or was one of this release."""
        return key in self.concepts or key in self._by_alternative or key in self._retired

    def current(self, key: str) -> tuple[str, ...]:
        """The concepts that a normalised identifier stands for in this release.

        Itself where it is in use; the concepts that have it for an alternative id; the successors of a retired one,
        also through several retirements; none where nothing is known of it.
        """
        found: dict[str, None] = {}
        waiting, seen = [key], set()
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            if one in self.concepts:
                found[one] = None
            elif one in self._by_alternative:
                found |= dict.fromkeys(self._by_alternative[one])
            else:
                waiting += reversed(self._successors(one))
        return tuple(found)

    def is_exact(self, key: str) -> bool:
        """Whether what `current` gives means the same; a retired identifier may have only a broader successor."""
        waiting, seen = [key], set()
        while waiting:
            one = waiting.pop()
            if one in seen or one in self.concepts or one in self._by_alternative or one not in self._retired:
                continue
            if not self._retired[one].is_exact:
                return False
            seen.add(one)
            waiting += self._successors(one)
        return True

    def _successors(self, key: str) -> list[str]:
        retired = self._retired.get(key)
        return [] if retired is None else [self.key(one) for one in retired.successors]

    def has(self, attribute: str) -> bool:
        """Whether any concept has an attribute of Concept."""
        return any(getattr(concept, attribute) for concept in self.concepts.values())

    @cached_property
    def vocabularies(self) -> frozenset[str]:
        """The prefixes of the identifiers; "" for those without."""
        keys = chain(self.concepts, self._by_alternative, self._retired)
        return frozenset(key.rpartition(":")[0] for key in keys)

    @cached_property
    def _by_alternative(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, concept in self.concepts.items():
            for identifier in concept.alternative_ids:
                if (alternative := self.key(identifier)) != key:
                    found.setdefault(alternative, []).append(key)
        return found


def _merged(first: Concept, second: Concept) -> Concept:
    lists = ("names", "alternative_ids", "semantic_types", "parents", "cross_references")
    joined = {name: tuple(dict.fromkeys((*getattr(first, name), *getattr(second, name)))) for name in lists}
    return Concept(first.concept_id, **joined)


def successors(old: Release, new: Release, key: str) -> tuple[str, ...]:
    """The concepts of a new release that a normalised identifier of an old one stands for; none where nothing tells.

    Where the new release does not know the identifier, the other identifiers of its concept in the old one are asked.
    """
    found = new.current(key)
    if found:
        return found
    others = (old.key(one) for own in old.current(key) for one in (own, *old.concepts[own].alternative_ids))
    return tuple(dict.fromkeys(target for other in others for target in new.current(other)))
