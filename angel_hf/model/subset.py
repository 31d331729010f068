"""Linking to a part of a knowledge base: some semantic types, or what stands below some concepts.

The trie is masked, not built again: the restricted model shares weights, names and trie with the whole one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.model.entity_linking import AngelForEntityLinking
from angel_hf.trie.name_trie import Expansion, NameTrie


class MaskedTrie(NameTrie):
    """A trie in which only some names can be walked to; its arrays are those of the whole trie.

    Args:
        trie: the whole one, or a masked one, of whose names those stay that are allowed here too.
        allowed: bool [names], by name index.

    Raises:
        ValueError: no name is allowed, or there are not as many values as names.
    """

    def __init__(self, trie: NameTrie, allowed: np.ndarray) -> None:
        super().__init__(trie.token_ids, trie.first_child, trie.terminal_nodes, trie.terminal_names)
        if isinstance(trie, MaskedTrie) and allowed.shape == trie._allowed_names.shape:
            allowed = allowed & trie._allowed_names
        if allowed.shape != (trie.num_names,) or not allowed.any():
            raise ValueError(
                f"{int(allowed.sum())} of {allowed.shape} names are allowed; expected one or more of {trie.num_names}"
            )
        self._allowed_names: np.ndarray = allowed
        self._allowed_nodes = np.zeros(trie.num_nodes, dtype=bool)
        degrees = trie.first_child[1:].astype(np.int64) - trie.first_child[:-1]
        parents = np.repeat(np.arange(trie.num_nodes), degrees)  # of node 1, 2, ...
        nodes = trie.terminal_nodes[allowed[trie.terminal_names]].astype(np.int64)
        while len(nodes):
            self._allowed_nodes[nodes] = True
            nodes = np.unique(parents[nodes[nodes > 0] - 1])
            nodes = nodes[~self._allowed_nodes[nodes]]

    @property
    def masks(self) -> tuple[np.ndarray, np.ndarray]:
        """Which nodes lead to an allowed name, bool [nodes], and which names are allowed, bool [names]."""
        return self._allowed_nodes, self._allowed_names

    def expand(self, nodes: np.ndarray) -> Expansion:
        """The children of `nodes` that lead to an allowed name; see NameTrie."""
        children = super().expand(nodes)
        kept = self._allowed_nodes[children.node]
        return Expansion(children.row[kept], children.token_id[kept], children.node[kept])

    def name_index(self, nodes: np.ndarray) -> np.ndarray:
        """The allowed name that ends at each of `nodes`, or -1: int64."""
        names = super().name_index(nodes)
        return np.where((names >= 0) & self._allowed_names[names], names, -1)


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


def concepts_within(
    knowledge_base: KnowledgeBase,
    semantic_types: Sequence[str] = (),
    below: Sequence[str] = (),
    among: frozenset[str] | None = None,
) -> frozenset[str]:
    """The concepts of some semantic types, below some concepts; of all, or of those `among`; see `restricted`."""
    allowed = _below(knowledge_base, below) if below else set(knowledge_base.concept_ids)
    if among is not None:
        allowed &= among
    if semantic_types:
        wanted = set(semantic_types)
        allowed = {one for one in allowed if not wanted.isdisjoint(knowledge_base.concept(one).semantic_types)}
    if not allowed:
        whole = "the knowledge base" if among is None else f"the {len(among):,} to which the model is restricted"
        raise ValueError(
            f"no concept of {whole} is left of semantic types {', '.join(semantic_types) or '(any)'} below "
            f"{', '.join(below) or '(anywhere)'}; concepts tell their types and parents in `angel kb show`"
        )
    return frozenset(allowed)


def _below(knowledge_base: KnowledgeBase, tops: Sequence[str]) -> set[str]:
    waiting = []
    for top in tops:
        known = knowledge_base.resolve(top)
        if known is None:
            raise ValueError(
                f"concept {top!r} is not in the knowledge base; expected the identifier of one of its concepts"
            )
        waiting.append(known)
    children: dict[str, list[str]] = {}
    for concept in knowledge_base.concepts():
        for parent in concept.parents:
            children.setdefault(knowledge_base.resolve(parent) or parent, []).append(concept.concept_id)
    found: set[str] = set()
    while waiting:
        concept_id = waiting.pop()
        if concept_id not in found:
            found.add(concept_id)
            waiting += children.get(concept_id, ())
    return found
