"""The identifiers of a knowledge base, found by any spelling of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from angel_hf.text.identifiers import Identifier, parse_identifier, vocabularies_of_form, vocabulary_of_bare

_MOST_FORMS_SHOWN = 3


class SpelledIdentifiers:
    """How the identifiers of a knowledge base are spelled, and so how another spelling of one would stand there.

    A knowledge base spells the identifiers of a vocabulary in one way, or two; so nothing but the beginnings is kept.

    Args:
        identifiers: primary and alternative ones.
    """

    def __init__(self, identifiers: Iterable[str]) -> None:
        self._starts: dict[str, dict[str, None]] = {}  # the vocabulary's key -> what stands before a local identifier
        self._examples: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._counts[""] = 0  # first among forms of one frequency
        bare: list[str] = []
        for identifier in identifiers:
            parsed = parse_identifier(identifier)
            if not parsed.prefix:
                bare.append(parsed.local)
            elif identifier.endswith(parsed.local):
                start = identifier[: len(identifier) - len(parsed.local)]
                self._starts.setdefault(parsed.key[0], {})[start] = None
                self._note(start, identifier)
            else:
                self._note(parsed.prefix, identifier)
        self.bare = vocabulary_of_bare(bare)
        for identifier in bare[:1]:
            self._note("", identifier)
        self._counts[""] = len(bare)
        if self.bare:
            self._starts.setdefault(self.bare, {})[""] = None

    def _note(self, start: str, identifier: str) -> None:
        self._examples.setdefault(start, identifier)
        self._counts[start] += 1

    def spellings(self, identifier: str) -> Iterator[str]:
        """How an identifier may stand here: several where it is bare, as a number may be of any vocabulary."""
        parsed = parse_identifier(identifier)
        if parsed.prefix:
            yield from self._with(parsed)
            return
        yield parsed.local
        if parsed.local.isdecimal():
            yield from (start + parsed.local for starts in self._starts.values() for start in starts)
        prefix, line, local = parsed.local.partition("_")  # DM_1
        if prefix and local and line:
            yield from self._with(Identifier(prefix, local))
        for prefix in vocabularies_of_form(parsed.local.upper()):
            yield from self._with(Identifier(prefix, parsed.local.upper()))

    def _with(self, parsed: Identifier) -> Iterator[str]:
        prefix, local = parsed.key
        yield from (start + local for start in self._starts.get(prefix, ()))
        # Among bare identifiers of several vocabularies, one that can be of no other is the one that is sought.
        if not self.bare and not local.isdecimal() and vocabularies_of_form(local) == (prefix,):
            yield local

    @property
    def examples(self) -> tuple[str, ...]:
        """One identifier of each form, the most frequent form first."""
        return tuple(self._examples[start] for start, count in self._counts.most_common(_MOST_FORMS_SHOWN) if count)
