"""The names of a knowledge base as a model can write them: tokenised, and in a trie, built and changed together."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from angel_hf.arrays.ranges import offsets_from_lengths
from angel_hf.jobs.progress import progress_bar
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.knowledge_base.letter_sums import letter_sums
from angel_hf.model.processor import AngelProcessor
from angel_hf.text.reading import normalize
from angel_hf.trie.name_trie import NameTrie

_LOG = logging.getLogger(__name__)
_NAMES_AT_ONCE = 50_000


class UnwritableNamesError(ValueError):
    """Names that a model cannot generate.

    Args:
        entries: of the knowledge base.
        cause: of the first.
    """

    def __init__(self, entries: Sequence[int], cause: str) -> None:
        super().__init__(cause)
        self.entries = entries

    def without_them(self, knowledge_base: KnowledgeBase) -> KnowledgeBase:
        """The knowledge base without these names, and without concepts that have no others; a warning tells of them.

        Raises:
            ValueError: no name is left.
        """
        if len(self.entries) == knowledge_base.num_entries:
            raise self
        kept, emptied = without_entries(knowledge_base, self.entries)
        count, gone = len(self.entries), f", and {emptied:,} concepts that have no other" if emptied else ""
        _LOG.warning("%s; left out %s such name%s%s", self, f"{count:,}", "" if count == 1 else "s", gone)
        return kept


def without_entries(knowledge_base: KnowledgeBase, entries: Iterable[int]) -> tuple[KnowledgeBase, int]:
    """The knowledge base without some of its entries and without the concepts that have no others; these counted."""
    removed: dict[str, list[str]] = {}
    for entry in entries:
        for name, concept_ids in knowledge_base.entry_spellings(entry):
            for concept_id in concept_ids:
                removed.setdefault(concept_id, []).append(name)
    emptied = [one for one, names in removed.items() if len(names) == len(knowledge_base.concept(one).names)]
    for concept_id in emptied:
        del removed[concept_id]
    return knowledge_base.updated(remove=removed, remove_concepts=emptied)[0], len(emptied)


@dataclass(frozen=True, slots=True)
class TokenizedNames:
    """A knowledge base, and the trie whose name indices are its entries.

    Names that the tokenizer cannot tell apart share an entry.
    """

    knowledge_base: KnowledgeBase
    trie: NameTrie

    @classmethod
    def build(cls, knowledge_base: KnowledgeBase, processor: AngelProcessor, max_positions: int) -> TokenizedNames:
        """Tokenise every name and build the trie.

        Args:
            knowledge_base: whose entries are tokenised.
            processor: that tokenises.
            max_positions: of the decoder, which a name has to leave room in.

        Names that are longer than the model can generate, or tokenise to nothing, are left out, with a warning.

        Raises:
            ValueError: no name is left.
        """
        entries = np.arange(knowledge_base.num_entries)
        try:
            token_ids, offsets = _encode(
                knowledge_base.entry_names(), entries, knowledge_base, processor, max_positions
            )
        except UnwritableNamesError as error:
            return cls.build(error.without_them(knowledge_base), processor, max_positions)
        trie, groups = NameTrie.build(token_ids, offsets)
        if trie.num_names < knowledge_base.num_entries:
            knowledge_base = knowledge_base.merge_entries(groups)
        return cls(knowledge_base, trie)

    def updated(
        self,
        processor: AngelProcessor,
        max_positions: int,
        add: Mapping[str, Sequence[str]] | KnowledgeBase | None,
        remove: Mapping[str, Sequence[str]] | None,
        remove_concepts: Iterable[str],
    ) -> TokenizedNames:
        """What `build` makes of the changed knowledge base; only new names are tokenised, and the trie is changed.

        Args:
            processor, max_positions: as for `build`.
            add, remove, remove_concepts: as for `KnowledgeBase.updated`.

        Raises:
            ValueError: as `KnowledgeBase.updated`; or a new name is one that `build` leaves out.
        """
        knowledge_base, origin = self.knowledge_base.updated(add, remove, remove_concepts)
        if processor.folding:
            # Of a trie that was made before names were folded, what is not ASCII is read anew.
            origin = np.where(_is_ascii(knowledge_base), origin, -1)
        is_new = origin < 0
        stays = np.zeros(self.trie.num_names, dtype=bool)
        stays[origin[~is_new]] = True
        if not stays.any():
            return self.build(knowledge_base, processor, max_positions)
        new = np.flatnonzero(is_new)
        names = (normalize(knowledge_base.entry_name(entry), knowledge_base.normalization) for entry in new.tolist())
        token_ids, offsets = _encode(names, new, knowledge_base, processor, max_positions)
        trie = self.trie if stays.all() else self.trie.without_names(~stays)
        name_of_entry = (np.cumsum(stays) - 1)[origin]
        if len(new):
            trie, name_of_entry[new] = trie.with_sequences(token_ids, offsets)
        # As `NameTrie.build` numbers names: in the order in which entries first have them.
        _, first, groups = np.unique(name_of_entry, return_index=True, return_inverse=True)
        number = np.argsort(np.argsort(first))
        if trie.num_names < knowledge_base.num_entries:
            knowledge_base = knowledge_base.merge_entries(number[groups])
        return TokenizedNames(knowledge_base, trie.renumbered(number))


def _is_ascii(knowledge_base: KnowledgeBase) -> np.ndarray:
    """Which entries have a name in ASCII for their first: bool [entries]."""
    _, is_ascii = letter_sums(knowledge_base.names)
    return is_ascii[knowledge_base.tables["entry_offsets"][:-1]]


def _encode(
    names: Iterable[str],
    entries: np.ndarray,
    knowledge_base: KnowledgeBase,
    processor: AngelProcessor,
    max_positions: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Token ids of the normalised names of some entries laid end to end, and their offsets."""
    # One token of a mention, the rest of the template and the end token share the decoder with a name.
    longest = max_positions - 3
    width = np.uint16 if max(processor.tokenizer.get_vocab().values()) < 1 << 16 else np.int32
    parts, lengths = [np.empty(0, dtype=width)], [np.empty(0, dtype=np.int64)]
    unwritable, cause = list[int](), ""
    names = iter(progress_bar(names, "name", "tokenising", total=len(entries)))
    for first in range(0, len(entries), _NAMES_AT_ONCE):
        block = list(islice(names, _NAMES_AT_ONCE))
        encoded = processor.encode_names(block)
        counts = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        for position in np.flatnonzero((counts == 0) | (counts > longest)).tolist():
            entry = int(entries[first + position])
            unwritable.append(entry)
            cause = cause or (
                f"entry {entry}: name {block[position][:80]!r} of concept "
                f"{knowledge_base.entry_concept_ids(entry)[0]!r} takes {counts[position]} tokens; the model can "
                f"generate 1 to {longest}: shorten or leave out the name"
            )
        lengths.append(counts)
        parts.append(np.fromiter(chain.from_iterable(encoded), dtype=width, count=int(counts.sum())))
    if unwritable:
        raise UnwritableNamesError(unwritable, cause)
    return np.concatenate(parts), offsets_from_lengths(np.concatenate(lengths))
