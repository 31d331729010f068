"""angel_hf links mentions in biomedical text to the concepts of a knowledge base."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from angel_hf import auto_classes
from angel_hf.version import __version__ as __version__

if TYPE_CHECKING:
    from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
    from angel_hf.model.configuration_angel import AngelConfig
    from angel_hf.model.entity_linking import AngelForEntityLinking
    from angel_hf.model.processor import AngelProcessor
    from angel_hf.trie.name_trie import NameTrie
    from angel_hf.types import Candidate, Concept, Hypothesis, Linked, Mention

__all__ = [
    "AngelConfig",
    "AngelForEntityLinking",
    "AngelProcessor",
    "Candidate",
    "Concept",
    "Hypothesis",
    "KnowledgeBase",
    "Linked",
    "Mention",
    "NameTrie",
]

# Where each public name is defined. A name is imported on first access: the package itself loads no library.
_MODULES = {
    "AngelConfig": "angel_hf.model.configuration_angel",
    "AngelForEntityLinking": "angel_hf.model.entity_linking",
    "AngelProcessor": "angel_hf.model.processor",
    "Candidate": "angel_hf.types",
    "Concept": "angel_hf.types",
    "Hypothesis": "angel_hf.types",
    "KnowledgeBase": "angel_hf.knowledge_base.knowledge_base",
    "Linked": "angel_hf.types",
    "Mention": "angel_hf.types",
    "NameTrie": "angel_hf.trie.name_trie",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    auto_classes.register()
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


auto_classes.register_with_transformers()
