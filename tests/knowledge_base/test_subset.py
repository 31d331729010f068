"""The concepts of a part of a knowledge base, by semantic type and by place in the hierarchy."""

import pytest

from angel_hf import Concept, KnowledgeBase
from angel_hf.knowledge_base.subset import concepts_within

CONCEPTS = [
    Concept("top", ("disease",), semantic_types=("Disease",)),
    Concept("cancer", ("cancer", "neoplasm"), ("C:9",), ("Disease",), ("top",)),
    Concept("breast", ("breast cancer", "breast"), semantic_types=("Disease", "Site"), parents=("C:9",)),
    Concept("organ", ("breast", "mamma"), semantic_types=("Site",)),
    Concept("anemia", ("anemia",), semantic_types=("Disease",), parents=("top",)),
]


@pytest.mark.parametrize(
    ("semantic_types", "below", "expected"),
    [
        ((), (), {"top", "cancer", "breast", "organ", "anemia"}),
        (("Site",), (), {"breast", "organ"}),
        ((), ("top",), {"top", "cancer", "breast", "anemia"}),
        ((), ("C:9",), {"cancer", "breast"}),  # an alternative id, as a top and as a parent
        (("Site",), ("cancer",), {"breast"}),
        ((), ("cancer", "organ"), {"cancer", "breast", "organ"}),
    ],
)
def test_concepts_by_type_and_place(semantic_types, below, expected):
    assert concepts_within(KnowledgeBase.from_concepts(CONCEPTS), semantic_types, below) == expected


def test_a_part_of_a_part_holds_what_both_allow():
    knowledge_base = KnowledgeBase.from_concepts(CONCEPTS)
    assert concepts_within(knowledge_base, ["Site"], among=frozenset({"organ", "anemia"})) == {"organ"}
    with pytest.raises(ValueError, match="no concept of the 1 to which the model is restricted is left of semantic t"):
        concepts_within(knowledge_base, ["Site"], among=frozenset({"anemia"}))
