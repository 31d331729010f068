"""A knowledge base with its indexes in memory: names, identifiers and concepts are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, compress, islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from angel_hf.arrays.array_file import file_in, fingerprint
from angel_hf.arrays.digests import checked, is_large, with_digests
from angel_hf.arrays.ranges import offsets_from_lengths
from angel_hf.formats.term import Retired
from angel_hf.knowledge_base.spelled_identifiers import SpelledIdentifiers
from angel_hf.knowledge_base.stored_knowledge_base import COLUMNS, KNOWLEDGE_BASE_FILE, StoredKnowledgeBase
from angel_hf.knowledge_base.table_checks import check_contents
from angel_hf.text.identifiers import normalize_identifier, vocabulary_of_bare
from angel_hf.text.reading import normalize
from angel_hf.types import Concept

_MOST_SHOWN = 5
_SAMPLED = 10_000

_Indexed = TypeVar("_Indexed", bound="IndexedKnowledgeBase")


class IndexedKnowledgeBase(StoredKnowledgeBase):
    """A `StoredKnowledgeBase` that is looked up by name and identifier; each index is built at its first use."""

    @property
    def num_names(self) -> int:
        """Number of distinct spellings."""
        return len(self.names)

    @property
    def num_concepts(self) -> int:
        """Number of concepts."""
        return len(self.concept_ids)

    @property
    def num_entries(self) -> int:
        """Number of distinct normalised names: what a trie over this knowledge base holds."""
        return len(self.tables["entry_offsets"]) - 1

    def __repr__(self) -> str:
        sizes = f"{self.num_concepts:,} concepts, {self.num_names:,} names, {self.num_entries:,} entries"
        return f"{type(self).__name__}({sizes}, normalization={self.normalization!r})"

    def entry_names(self) -> Iterator[str]:
        """The normalised name of every entry, in order."""
        is_shown = np.zeros(self.num_names, dtype=bool)
        is_shown[self.tables["entry_offsets"][:-1]] = True
        return (normalize(name, self.normalization) for name in compress(self.names, is_shown.tobytes()))

    def find(self, name: str) -> int | None:
        """The entry that `name` normalises to, or None. The first call builds an index in memory."""
        return self._entry_by_name.get(normalize(name, self.normalization))

    def resolve(self, concept_id: str) -> str | None:
        """The concept that an identifier, primary or alternative, stands for here; None if unknown.

        Where it does not stand here as it is, other spellings of it are looked for: `MESH:D001260`, `D001260` and
        `http://id.nlm.nih.gov/mesh/D001260` are one. A bare number resolves only where one concept fits.
        """
        position = self.position_of(concept_id)
        if position is None:
            fitting = self._fitting(concept_id)
            position = fitting[0] if len(fitting) == 1 else None
        return None if position is None else self.concept_ids[position]

    def concept(self, concept_id: str) -> Concept:
        """A concept with all its names, the preferred one first, by any identifier that `resolve` knows.

        Raises:
            KeyError: no concept has this id.
        """
        if concept_id not in self.position_by_id:
            found = self.resolve(concept_id)
            if found is None:
                raise KeyError(self.explain_unknown(concept_id))
            concept_id = found
        return self._concept(self.position_by_id[concept_id])

    def equivalents(self, concept_id: str) -> tuple[str, ...]:
        """The other identifiers of a concept in their usual form: its alternative ids, then its cross-references.

        Raises:
            KeyError: no concept has this id.
        """
        found = concept_id if concept_id in self.position_by_id else self.resolve(concept_id)
        if found is None:
            raise KeyError(self.explain_unknown(concept_id))
        position = self.position_by_id[found]
        own = normalize_identifier(found, self._bare)
        others = (normalize_identifier(one, self._bare) for one in self._attribute("alternative_id", position))
        all_others = dict.fromkeys((*others, *self._attribute("cross_reference", position)))
        return tuple(one for one in all_others if one != own)

    def mapped_ids(self, concept_ids: Iterable[str]) -> tuple[str, ...]:
        """The other identifiers of several concepts, as of those of a candidate; of unknown ones none."""
        known = (one for one in concept_ids if one in self.position_by_id)
        return tuple(dict.fromkeys(found for one in known for found in self.equivalents(one)))

    def referring(self, identifier: str) -> tuple[str, ...]:
        """The concepts that have an identifier of another vocabulary among their cross-references."""
        positions = self._positions_by_reference.get(normalize_identifier(identifier), ())
        return tuple(self.concept_ids[position] for position in positions)

    def explain_unknown(self, concept_id: str) -> str:
        """The message for an identifier that `resolve` does not know: how identifiers look here, and what is near."""
        retired = self._explain_retired(concept_id)
        if retired:
            return retired
        looks = " or ".join(self._spelled.examples)
        message = (
            f"concept {concept_id!r} is not among the {self.num_concepts:,} of the knowledge base, whose identifiers "
            f"look like {looks}"
        )
        fitting = [self.concept_ids[position] for position in self._fitting(concept_id)]
        near = fitting or self.referring(concept_id)
        if near:
            shown = ", ".join(self._shown(self.position_by_id[one]) for one in near[:_MOST_SHOWN])
            message += f"; it {'fits' if fitting else 'is a cross-reference of'} {shown}: give one of these"
        return message

    def _explain_retired(self, concept_id: str) -> str:
        """The message for an identifier that is retired; empty for any other."""
        known = (one for one in (concept_id, *self._spelled.spellings(concept_id)) if one in self._positions_by_retired)
        retired = next(known, None)
        if retired is None:
            return ""
        positions = self._positions_by_retired[retired]
        if not positions:
            return f"concept {retired!r} is retired, and nothing in the knowledge base replaces it"
        shown = ", ".join(self._shown(position) for position in positions[:_MOST_SHOWN])
        more = f" and {len(positions) - _MOST_SHOWN:,} more" if len(positions) > _MOST_SHOWN else ""
        return f"concept {retired!r} is retired; it may be replaced by {shown}{more}: give one of these"

    def _shown(self, position: int) -> str:
        return f"{self.concept_ids[position]} ({self._concept(position).names[0]})"

    def retired(self) -> Iterator[Retired]:
        """The identifiers that are retired without one successor that means the same, with what may replace them.

        One that has such a successor is an alternative id of it.
        """
        for concept_id, positions in self._positions_by_retired.items():
            yield Retired(concept_id, tuple(self.concept_ids[position] for position in positions), is_exact=False)

    def entry_spellings(self, entry: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each name that an entry stands for, with the concepts that bear it."""
        bounds, concepts = self.tables["name_concept_offsets"], self.tables["name_concepts"]
        first, last = self.tables["entry_offsets"][entry : entry + 2].tolist()
        for position in range(first, last):
            bearers = concepts[bounds[position] : bounds[position + 1]].tolist()
            yield self.names[position], tuple(self.concept_ids[one] for one in bearers)

    def concepts(self) -> Iterator[Concept]:
        """Every concept, in order."""
        return (self._concept(position) for position in range(self.num_concepts))

    def metadata(self) -> dict[str, str]:
        """What stands in the header of a saved file, with the digests of the tables."""
        return with_digests(self.tables, super().metadata())

    @classmethod
    def load(cls: type[_Indexed], path: str | Path, verify: bool = False) -> _Indexed:
        """Open what `save` wrote; the names stay on disk until they are used.

        Args:
            path: the file, or its directory.
            verify: compare all contents with what was saved, not only a sample of them where the file is larger than
                64 MiB. Smaller files are always compared whole.

        Raises:
            FileNotFoundError: the file is not there.
            ValueError: the file is damaged or of another format.
        """
        knowledge_base = super().load(path)
        tables, opened, text = knowledge_base.tables, knowledge_base.opened, knowledge_base.normalization
        file = file_in(path, KNOWLEDGE_BASE_FILE)
        knowledge_base.file = file
        recorded = opened.get("fingerprint")
        knowledge_base._is_checked = checked(file, tables, opened, recorded, text, verify=verify)
        if verify or not is_large(tables):
            check_contents(file, tables)
        return knowledge_base

    _is_checked = False
    file: Path | None = None
    """Where it was opened; None for one that was built or changed."""

    def is_intact(self, sample_suffices: bool = False) -> bool:
        """Whether the contents are those of the fingerprint; reads all, unless the check of `load` suffices."""
        is_checked = sample_suffices and self._is_checked
        return is_checked or fingerprint(self.tables, self.normalization) == self.fingerprint

    @cached_property
    def names_by_concept(self) -> tuple[np.ndarray, np.ndarray]:
        """Names of each concept: offsets [num_concepts + 1] and name positions, int64."""
        concepts = self.tables["name_concepts"]
        # Checked here and not at loading, as it reads the whole table.
        if concepts.max() >= self.num_concepts:
            raise ValueError(
                f"the knowledge base gives a name to concept {int(concepts.max())}, and has {self.num_concepts:,}: "
                "its file is damaged, build it again"
            )
        names = np.repeat(np.arange(self.num_names), np.diff(self.tables["name_concept_offsets"]))
        order = np.argsort(concepts, kind="stable")
        return offsets_from_lengths(np.bincount(concepts, minlength=self.num_concepts)), names[order]

    @cached_property
    def position_by_id(self) -> dict[str, int]:
        """Concept id -> its position among the concepts."""
        return {concept_id: position for position, concept_id in enumerate(self.concept_ids)}

    @cached_property
    def _position_by_alternative(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for value, owner in self.owners("alternative_id"):
            found.setdefault(value, owner)
        return found

    @cached_property
    def _positions_by_retired(self) -> dict[str, list[int]]:
        """Retired identifiers with the concepts that may replace them; those that nothing replaces have none."""
        if "retired_id_bytes" not in self.tables:
            return {}
        found: dict[str, list[int]] = {value: [] for value in self.strings("retired_id")}
        for value, owner in self.owners("retired_id"):
            found[value].append(owner)
        return found

    @cached_property
    def _positions_by_reference(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for value, owner in self.owners("cross_reference"):
            found.setdefault(normalize_identifier(value), []).append(owner)
        return found

    @cached_property
    def _bare(self) -> str:
        """The vocabulary of the bare identifiers, by a sample of all."""
        step = max(1, self.num_concepts // _SAMPLED)
        sample = (self.concept_ids[position] for position in range(0, self.num_concepts, step))
        return vocabulary_of_bare(chain(sample, islice(self._position_by_alternative, _SAMPLED)))

    @cached_property
    def _spelled(self) -> SpelledIdentifiers:
        return SpelledIdentifiers(chain(self.concept_ids, self._position_by_alternative))

    def owners(self, name: str) -> Iterator[tuple[str, int]]:
        """Every value of an optional column, with the position of the concept that has it."""
        if f"{name}_bytes" not in self.tables:
            return
        owners = np.repeat(np.arange(self.num_concepts), np.diff(self.tables[f"concept_{name}_offsets"]))
        values = list(self.strings(name))
        for owner, value in zip(owners.tolist(), self.tables[f"concept_{name}"].tolist()):
            yield values[value], owner

    def _fitting(self, concept_id: str) -> list[int]:
        """The concepts that another spelling of an identifier stands for."""
        found = (self.position_of(spelling) for spelling in self._spelled.spellings(concept_id))
        return sorted({position for position in found if position is not None})

    def position_of(self, concept_id: str) -> int | None:
        """The position of the concept that an identifier, primary or alternative, stands for as it is spelled."""
        found = self.position_by_id.get(concept_id)
        return self._position_by_alternative.get(concept_id) if found is None else found

    @cached_property
    def _entry_by_name(self) -> dict[str, int]:
        # From every name and not from entries, since entries merged for a tokenizer hold several forms.
        entries = np.repeat(np.arange(self.num_entries), np.diff(self.tables["entry_offsets"]))
        normalized = (normalize(name, self.normalization) for name in self.names)
        return dict(zip(normalized, entries.tolist()))

    def _concept(self, position: int) -> Concept:
        offsets, names_by_concept = self.names_by_concept
        preferred = int(self.tables["concept_preferred"][position])
        own = names_by_concept[offsets[position] : offsets[position + 1]].tolist()
        names = tuple(self.names[name] for name in dict.fromkeys([preferred, *own]))
        return Concept(
            self.concept_ids[position], names, **{f"{name}s": self._attribute(name, position) for name in COLUMNS}
        )

    def _attribute(self, name: str, position: int) -> tuple[str, ...]:
        """The strings of an optional column for one concept."""
        if f"{name}_bytes" not in self.tables:
            return ()
        first, last = self.tables[f"concept_{name}_offsets"][position : position + 2]
        values = self.strings(name)
        return tuple(values[value] for value in self.tables[f"concept_{name}"][first:last])
