"""The knowledge base and trie that a checkpoint holds, checked against its configuration."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.knowledge_base.stored_knowledge_base import KNOWLEDGE_BASE_FILE
from angel_hf.knowledge_base.withheld_names import CONCEPT_IDS_FILE, RECIPE_FILE, WithheldNames
from angel_hf.model.checkpoint import Checkpoint
from angel_hf.model.configuration_angel import AngelConfig
from angel_hf.ranking.confidence import CONFIDENCE_FILE
from angel_hf.ranking.memory import MEMORY_FILE
from angel_hf.ranking.ranking import RANKING_FILE
from angel_hf.ranking.subwords import ENCODER_FILE
from angel_hf.trie.name_trie import NameTrie
from angel_hf.trie.stored_trie import TRIE_FILE

OPTIONAL_FILES = {
    CONFIDENCE_FILE,
    RANKING_FILE,
    MEMORY_FILE,
    ENCODER_FILE,
    KNOWLEDGE_BASE_FILE,
    TRIE_FILE,
    RECIPE_FILE,
    CONCEPT_IDS_FILE,
}
"""What may stand beside a model's weights and, left there by another model, would be taken for its own."""

_LOG = logging.getLogger(__name__)
_AGAIN = "fetch it again with force_download=True, or give from_pretrained another knowledge_base"
_REBUILD = "load with rebuild_trie=True, which builds it from the knowledge base"


@dataclass(frozen=True, slots=True)
class SavedNames:
    """A knowledge base, and the trie of its names, or None where it is to be built."""

    knowledge_base: KnowledgeBase
    trie: NameTrie | None


def load_names(
    checkpoint: Checkpoint, config: AngelConfig, tokenizer_fingerprint: str, rebuild_trie: bool
) -> SavedNames | None:
    """Open what was saved with a model; None where nothing was.

    Args:
        checkpoint: where from.
        config: holds the fingerprints that the knowledge base and trie must have.
        tokenizer_fingerprint: of the tokenizer that the model has now.
        rebuild_trie: leave the trie alone, and take any knowledge base that is there.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged or is not the one that belongs to the model, or the names were withheld.
    """
    if checkpoint.file(RECIPE_FILE) is not None:
        raise ValueError(_withheld(checkpoint).explain(checkpoint.path))
    if config.knowledge_base_fingerprint is None and checkpoint.file(KNOWLEDGE_BASE_FILE) is None:
        return None
    knowledge_base = _knowledge_base(checkpoint, None if rebuild_trie else config.knowledge_base_fingerprint)
    if rebuild_trie or (config.trie_fingerprint is None and checkpoint.file(TRIE_FILE) is None):
        return SavedNames(knowledge_base, None)
    return SavedNames(knowledge_base, _trie(checkpoint, config, knowledge_base, tokenizer_fingerprint))


def own_names(checkpoint: Checkpoint, own: KnowledgeBase) -> KnowledgeBase:
    """The knowledge base that a user gave; where names were withheld, the model's concepts of it."""
    if checkpoint.file(RECIPE_FILE) is None:
        return own
    knowledge_base, warning = _withheld(checkpoint).restore(own)
    if warning:
        _LOG.warning("%s: %s", checkpoint.path, warning)
    return knowledge_base


def trie_provenance(knowledge_base: KnowledgeBase, tokenizer_fingerprint: str) -> dict[str, str]:
    """What a trie was made from, as it is written into its file."""
    return {"knowledge_base": knowledge_base.fingerprint, "tokenizer": tokenizer_fingerprint}


def _withheld(checkpoint: Checkpoint) -> WithheldNames:
    return WithheldNames.load(
        checkpoint.required(RECIPE_FILE, _AGAIN),
        checkpoint.required(CONCEPT_IDS_FILE, _AGAIN),
    )


def _knowledge_base(checkpoint: Checkpoint, expected: str | None) -> KnowledgeBase:
    file = checkpoint.required(KNOWLEDGE_BASE_FILE, _AGAIN)
    try:
        knowledge_base = KnowledgeBase.load(file)
    except ValueError as error:
        raise ValueError(f"{error}; {_AGAIN}") from error
    if not knowledge_base.is_intact(sample_suffices=True):
        raise ValueError(f"{file}: its contents are not those that were saved, the file is damaged; {_AGAIN}")
    if expected not in (None, knowledge_base.fingerprint):
        raise ValueError(
            f"{file}: is not the knowledge base of this model (fingerprint {knowledge_base.fingerprint[:12]}, "
            f"config.json has {str(expected)[:12]}); to link to it nevertheless, {_REBUILD}"
        )
    return knowledge_base


def _trie(
    checkpoint: Checkpoint, config: AngelConfig, knowledge_base: KnowledgeBase, tokenizer_fingerprint: str
) -> NameTrie:
    file = checkpoint.required(TRIE_FILE, _REBUILD)
    try:
        trie, provenance = NameTrie.load(file)
    except ValueError as error:
        raise ValueError(f"{error}; {_REBUILD}") from error
    if not trie.is_intact(sample_suffices=True):
        raise ValueError(f"{file}: its contents are not those that were saved, the file is damaged; {_REBUILD}")
    for part, fingerprint in trie_provenance(knowledge_base, tokenizer_fingerprint).items():
        if provenance.get(part) != fingerprint:
            raise ValueError(
                f"{file}: was not built from this {part.replace('_', ' ')} (fingerprint "
                f"{str(provenance.get(part))[:12]}, expected {fingerprint[:12]}); {_REBUILD}"
            )
    if trie.num_names != knowledge_base.num_entries or trie.token_ids.max() >= config.vocab_size:
        raise ValueError(
            f"{file}: has {trie.num_names:,} names with token ids up to {trie.token_ids.max():,}; expected the "
            f"{knowledge_base.num_entries:,} of the knowledge base in a vocabulary of {config.vocab_size:,}; {_REBUILD}"
        )
    # Children outside of the trie would cost any amount of memory to walk.
    if not trie.is_tree():
        raise ValueError(f"{file}: its nodes or names lie outside of it, the file is damaged; {_REBUILD}")
    if config.trie_fingerprint not in (None, trie.fingerprint):
        raise ValueError(f"{file}: is not the trie that was saved with the model, or is damaged; {_REBUILD}")
    return trie
