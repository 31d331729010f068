"""The name detector of a knowledge base is built once; those of parts are dropped, the longest unused first."""

from angel_hf import KnowledgeBase
from angel_hf.annotation import detector_cache
from angel_hf.annotation.detector_cache import cached_name_detector

NAMES = {"D1": ["Wilson disease"], "D2": ["breast cancer", "breast carcinoma"], "D3": ["ovarian cancer"]}


def test_the_detector_of_a_knowledge_base_is_built_once():
    knowledge_base = KnowledgeBase.from_names(NAMES)
    assert cached_name_detector(knowledge_base) is cached_name_detector(knowledge_base)


def test_the_detectors_of_the_latest_used_parts_are_kept(monkeypatch):
    monkeypatch.setattr(detector_cache, "_MOST_PARTS", 2)
    knowledge_base = KnowledgeBase.from_names(NAMES)
    whole = cached_name_detector(knowledge_base)
    first, second = (cached_name_detector(knowledge_base, frozenset([one])) for one in ("D1", "D2"))
    assert cached_name_detector(knowledge_base, frozenset(["D1"])) is first
    cached_name_detector(knowledge_base, frozenset(["D3"]))
    assert cached_name_detector(knowledge_base, frozenset(["D1"])) is first
    assert cached_name_detector(knowledge_base, frozenset(["D2"])) is not second, "the one used longest ago has gone"
    assert cached_name_detector(knowledge_base) is whole
    assert len(detector_cache._CACHE[knowledge_base]) == 3
