"""The identifiers of a knowledge base, found by any spelling of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from angel_hf.text.identifiers import Identifier, parse_identifier, vocabularies_of_form, vocabulary_of_bare

_MOST_FORMS_SHOWN = 3
_SAMPLED = 10_000
# `MESH:D` and `MESH:C`, `OMIM:`, `D`, the beginning of an IRI: whatever stands before the first digit of the last part.
_BEGINNING = re.compile(r"(?:.*[/#=:_])?\D*", re.DOTALL)


class SpelledIdentifiers:
    """How the identifiers of a knowledge base are spelled, and so how another spelling of one would stand there.

    A knowledge base spells the identifiers of a vocabulary in one way, or two; so nothing but the beginnings is kept,
    and of millions of identifiers only one of each beginning is taken apart.

    Args:
        identifiers: primary and alternative ones.
    """

    def __init__(self, identifiers: Iterable[str]) -> None:
        self._starts: dict[str, dict[str, None]] = {}  # the vocabulary's key -> what stands before a local identifier
        forms: dict[str, str] = {}  # an example of each beginning
        counts: Counter[str] = Counter()
        bare: list[str] = []
        for identifier in identifiers:
            form = _BEGINNING.match(identifier)[0]  # type: ignore[index]  # it matches anything
            if form not in forms:
                forms[form] = identifier
            if ":" not in identifier:
                bare.append(identifier)
            counts[form] += 1
        self.bare = vocabulary_of_bare(bare[:: max(1, len(bare) // _SAMPLED)])
        for identifier in forms.values():
            parsed = parse_identifier(identifier)
            if parsed.prefix and identifier.endswith(parsed.local):
                start = identifier[: len(identifier) - len(parsed.local)]
                self._starts.setdefault(parsed.key[0], {})[start] = None
        if self.bare:
            self._starts.setdefault(self.bare, {})[""] = None
        self.examples = tuple(forms[form] for form, _ in counts.most_common(_MOST_FORMS_SHOWN))
        """One identifier of each form, the most frequent form first."""

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
