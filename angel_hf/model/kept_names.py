"""The names of a knowledge base tokenised once: the trie of a model, kept beside the file of the knowledge base.

`angel kb build` writes it for a model's tokenizer; who links to the knowledge base with that tokenizer opens it instead
of tokenising every name. A file that does not belong to the knowledge base and tokenizer at hand is left alone.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np

from angel_hf.arrays.array_file import open_arrays, save_arrays
from angel_hf.arrays.digests import checked, with_digests
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.model.processor import AngelProcessor
from angel_hf.model.tokenized_names import TokenizedNames, without_entries
from angel_hf.trie.name_trie import NameTrie

_LOG = logging.getLogger(__name__)
_DIGITS = 12


def tokenized_names(knowledge_base: KnowledgeBase, processor: AngelProcessor, max_positions: int) -> TokenizedNames:
    """What `TokenizedNames.build` gives, opened where it is kept beside the knowledge base's file.

    Raises:
        ValueError: as `TokenizedNames.build`.
    """
    if knowledge_base.file is not None:
        kept = _open(knowledge_base, processor, max_positions)
        if kept is not None:
            return kept
    return TokenizedNames.build(knowledge_base, processor, max_positions)


def keep_names(knowledge_base: KnowledgeBase, processor: AngelProcessor, max_positions: int) -> Path:
    """Tokenise the names of a saved knowledge base, and write the trie beside its file; others there are removed.

    Returns:
        The file of the trie.

    Raises:
        ValueError: as `TokenizedNames.build`; or the knowledge base was not opened from a file.
        OSError: the files cannot be written.
    """
    if knowledge_base.file is None:
        raise ValueError("the knowledge base is not of a file; expected one that KnowledgeBase.load opened")
    built = TokenizedNames.build(knowledge_base, processor, max_positions)
    file = knowledge_base.file
    for old in [*file.parent.glob(f"{file.stem}.trie-*.safetensors"), *file.parent.glob(f"{file.stem}.entries-*")]:
        old.unlink()
    provenance = _provenance(knowledge_base, processor, max_positions)
    if built.knowledge_base is not knowledge_base:
        arrays = _changes(knowledge_base, built.knowledge_base)
        save_arrays(_entries_file(file, provenance), arrays, with_digests(arrays, provenance))
    return built.trie.save(_trie_file(file, provenance), provenance)


def _open(knowledge_base: KnowledgeBase, processor: AngelProcessor, max_positions: int) -> TokenizedNames | None:
    """The kept names; None where there are none, or they are not those of this knowledge base and tokenizer."""
    file = knowledge_base.file
    assert file is not None, "the caller has looked"
    provenance = _provenance(knowledge_base, processor, max_positions)
    path = _trie_file(file, provenance)
    if not path.is_file():
        return None
    try:
        trie, found = NameTrie.load(path)
        _check(found, provenance)
        if not trie.is_intact(sample_suffices=True) or not trie.is_tree():
            raise ValueError("its contents are not those that were saved")
        if trie.num_names != knowledge_base.num_entries:
            knowledge_base = _changed(knowledge_base, _entries_file(file, provenance), provenance)
        if trie.num_names != knowledge_base.num_entries:
            raise ValueError(f"has {trie.num_names:,} names for {knowledge_base.num_entries:,} entries")
    except (ValueError, OSError) as error:
        _LOG.warning("%s: not used (%s); names are tokenised anew: angel kb build writes it again", path, error)
        return None
    return TokenizedNames(knowledge_base, trie)


def _changed(knowledge_base: KnowledgeBase, path: Path, provenance: dict[str, str]) -> KnowledgeBase:
    """The knowledge base with the changes that `_changes` kept."""
    arrays, found = open_arrays(path, {"left_out": np.integer, "groups": np.integer})
    _check(found, provenance)
    checked(path, arrays, found, None, verify=True)
    left_out = arrays["left_out"].tolist()
    if left_out:
        _LOG.warning("%s: the model cannot generate %s of the names; left out", path, f"{len(left_out):,}")
        knowledge_base, _ = without_entries(knowledge_base, left_out)
    return knowledge_base.merge_entries(arrays["groups"])


def _changes(before: KnowledgeBase, after: KnowledgeBase) -> dict[str, np.ndarray]:
    """What tokenising changed, int32: the entries left out, and the entry of `after` of each of the others."""
    left_out = np.flatnonzero(_entries_in(after, before) < 0).astype(np.int32)
    if left_out.size:
        before, _ = without_entries(before, left_out.tolist())
    return {"left_out": left_out, "groups": _entries_in(after, before)}


def _entries_in(after: KnowledgeBase, before: KnowledgeBase) -> np.ndarray:
    """The entry of `after` that holds the names of each entry of `before`, int32; -1 for none."""
    entry_of_name = np.repeat(np.arange(after.num_entries, dtype=np.int32), np.diff(after.tables["entry_offsets"]))
    numbers = dict(zip(after.names, entry_of_name.tolist()))
    firsts = before.tables["entry_offsets"][:-1].tolist()
    names = before.names
    return np.array([numbers.get(names[first], -1) for first in firsts], dtype=np.int32)


def _provenance(knowledge_base: KnowledgeBase, processor: AngelProcessor, max_positions: int) -> dict[str, str]:
    """All that decides the trie of a knowledge base."""
    read_as = f"{processor.fingerprint} folding={processor.folding} positions={max_positions}"
    return {"knowledge_base": knowledge_base.fingerprint, "tokenizer": hashlib.sha256(read_as.encode()).hexdigest()}


def _check(found: dict[str, str], expected: dict[str, str]) -> None:
    for part, fingerprint in expected.items():
        if found.get(part) != fingerprint:
            raise ValueError(f"was not made of this {part.replace('_', ' ')}")


def _trie_file(file: Path, provenance: dict[str, str]) -> Path:
    return file.with_name(f"{file.stem}.trie-{provenance['tokenizer'][:_DIGITS]}.safetensors")


def _entries_file(file: Path, provenance: dict[str, str]) -> Path:
    return file.with_name(f"{file.stem}.entries-{provenance['tokenizer'][:_DIGITS]}.safetensors")
