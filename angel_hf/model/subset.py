"""Linking to a part of a knowledge base: some semantic types, or all below some concepts.

The trie is masked, not built again: the restricted model shares weights, names and trie with the whole one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from angel_hf.knowledge_base.subset import concepts_within
from angel_hf.model.entity_linking import AngelForEntityLinking
from angel_hf.trie.masked import MaskedTrie


def restricted(
    model: AngelForEntityLinking, semantic_types: Sequence[str] = (), below: Sequence[str] = ()
) -> AngelForEntityLinking:
    """A view of a model that links to a part of its knowledge base.

    Args:
        model: with a knowledge base; it stays as it is. Of a view, the new one has what both allow.
        semantic_types: concepts of one of these types; any type where none are given.
        below: these concepts and all under them; anywhere where none are given.

    Raises:
        RuntimeError: the model has no knowledge base.
        ValueError: a concept is unknown, or no concept is left.
    """
    knowledge_base, trie = model.knowledge_base, model.trie
    if knowledge_base is None or trie is None:
        raise RuntimeError("the model has no knowledge base to restrict; call model.set_knowledge_base first")
    allowed = concepts_within(knowledge_base, semantic_types, below, model.allowed_concepts)
    view = copy.copy(model)
    view.trie = MaskedTrie(trie, knowledge_base.entries_of(allowed))
    view.allowed_concepts = allowed
    return view
