"""The name detectors of knowledge bases in use: built once, as millions of names take seconds."""

from __future__ import annotations

from threading import Lock
from weakref import WeakKeyDictionary

from angel_hf.annotation.dictionary import DictionaryDetector
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase

_MOST_PARTS = 8
_CACHE: WeakKeyDictionary[KnowledgeBase, dict[frozenset[str] | None, DictionaryDetector]] = WeakKeyDictionary()
_CACHE_LOCK = Lock()


def cached_name_detector(
    knowledge_base: KnowledgeBase, allowed_concepts: frozenset[str] | None = None
) -> DictionaryDetector:
    """The detector of a knowledge base's names, which lives as long as the knowledge base.

    Args:
        knowledge_base: with the names.
        allowed_concepts: only the names of these; all where None. Of such parts only the latest used stay.
    """
    with _CACHE_LOCK:
        detectors = _CACHE.setdefault(knowledge_base, {})
        found = detectors.get(allowed_concepts)
    if found is None:
        found = _build(knowledge_base, allowed_concepts)
    with _CACHE_LOCK:
        # The latest used part comes last, so that the first is the one to drop.
        detectors.pop(allowed_concepts, None)
        detectors[allowed_concepts] = found
        parts = [part for part in detectors if part is not None]
        for part in parts[:-_MOST_PARTS]:
            del detectors[part]
    return found


def _build(knowledge_base: KnowledgeBase, allowed_concepts: frozenset[str] | None) -> DictionaryDetector:
    if allowed_concepts is None:
        return DictionaryDetector.from_knowledge_base(knowledge_base)
    return DictionaryDetector(name for one in allowed_concepts for name in knowledge_base.concept(one).names)
