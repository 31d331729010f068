"""Linking to a part of a knowledge base equals linking to a knowledge base of that part alone."""

import numpy as np
import pytest

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention
from angel_hf.knowledge_base.subset import concepts_within
from angel_hf.model.subset import restricted
from tests.conftest import SAMPLE
from tests.knowledge_base.test_subset import CONCEPTS

TEXT = "Breast cancer, anemia, cancer of the mamma."


@pytest.fixture(scope="module")
def model():
    loaded = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny")
    loaded.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    return loaded


@pytest.mark.parametrize(("semantic_types", "below"), [((), ("cancer",)), (("Site",), ()), ((), ("anemia",))])
def test_a_restricted_model_answers_as_one_over_those_names_alone(model, semantic_types, below):
    part = restricted(model, semantic_types, below)
    kept = concepts_within(model.knowledge_base, semantic_types, below)
    alone = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny")
    alone.set_knowledge_base(KnowledgeBase.from_concepts(one for one in CONCEPTS if one.concept_id in kept))
    mentions = [Mention(TEXT, 0, 13), Mention(TEXT, 15, 21), Mention(TEXT, 23, 42)]
    for found, expected in zip(part.link(mentions), alone.link(mentions), strict=True):
        assert [one.name for one in found.candidates] == [one.name for one in expected.candidates]
        assert [one.concept_ids for one in found.candidates] == [one.concept_ids for one in expected.candidates]
        np.testing.assert_allclose(
            [one.score for one in found.candidates], [one.score for one in expected.candidates], atol=1e-5
        )


def test_the_whole_model_stays_whole(model):
    before = model.link(Mention(TEXT, 0, 13))
    part = restricted(model, below=["cancer"])
    assert model.link(Mention(TEXT, 0, 13)) == before
    assert part.trie.token_ids is model.trie.token_ids, "nothing is built again"
    part.set_knowledge_base(KnowledgeBase.from_names({"x": ["gout"]}))
    assert part.link(Mention("gout", 0, 4)).best.concept_ids == ("x",)


def test_a_part_of_a_part_is_what_both_allow(model):
    inner = restricted(restricted(model, below=["top"]), semantic_types=["Site"])
    both = restricted(model, ["Site"], ["top"])
    assert inner.allowed_concepts == both.allowed_concepts == {"breast"}
    assert inner.link(Mention(TEXT, 0, 13)) == both.link(Mention(TEXT, 0, 13))
    assert restricted(inner).allowed_concepts == {"breast"}
    with pytest.raises(
        ValueError, match=r"no concept of the 1 to which .* is left of semantic types \(any\) below anemia"
    ):
        restricted(inner, below=["anemia"])


def test_the_names_of_a_part_do_not_change(model):
    part = restricted(model, below=["cancer"])
    with pytest.raises(
        RuntimeError, match="restricted to 2 concepts, .*; change the knowledge base of the whole model"
    ):
        part.update_knowledge_base({"gout": ["gout"]})
    assert part.allowed_concepts == {"cancer", "breast"}


def test_annotation_detects_the_names_of_the_part_only(model):
    found = restricted(model, below=["cancer"]).annotate(TEXT)
    assert [one.mention.surface for one in found] == ["Breast cancer", "cancer"]
    assert {concept_id for one in found for each in one.candidates for concept_id in each.concept_ids} == {
        "cancer",
        "breast",
    }


def test_what_leaves_nothing_is_told(model):
    with pytest.raises(ValueError, match="no concept of the knowledge base is left of semantic types Gene below"):
        restricted(model, semantic_types=["Gene"])
    with pytest.raises(ValueError, match="concept .D009369. is not among the"):
        restricted(model, below=["D009369"])
