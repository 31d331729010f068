from collections.abc import Sequence

import pytest

from angel_hf import KnowledgeBase, Linked, Mention
from eval_harness.predictors import CharacterTfidf, ExactMatch, Memory
from eval_harness.predictors.predictor import Predictor
from tests.eval_harness.toy import CHRONIC, COLD, COLOUR, example


def ask(predictor: Predictor, knowledge_base: KnowledgeBase, surfaces: Sequence[str], training=()) -> list[Linked]:  # type: ignore[no-untyped-def]
    predictor.prepare(knowledge_base, training)
    return list(predictor.predict([Mention(surface, 0, len(surface)) for surface in surfaces]))


def test_exact_match_normalises_and_is_silent_about_the_rest(knowledge_base: KnowledgeBase) -> None:
    found = ask(ExactMatch(), knowledge_base, ["Common-Cold", "coryzas", "COLD"])
    assert [linked.mention.surface for linked in found] == ["Common-Cold", "COLD"]
    assert [linked.candidates[0].concept_ids for linked in found] == [(COLD,), (CHRONIC, COLD)]


def test_memory_ranks_what_it_saw_by_frequency(knowledge_base: KnowledgeBase) -> None:
    training = [example("a cold", CHRONIC), example("A-cold", COLD), example("a cold", COLD), example("fog", COLOUR)]
    (linked,) = ask(Memory(), knowledge_base, ["A COLD", "coryza"], training)
    assert [candidate.concept_ids for candidate in linked.candidates] == [(COLD,), (CHRONIC,)]
    assert [candidate.score for candidate in linked.candidates] == pytest.approx([2 / 3, 1 / 3])


def test_tfidf_ranks_names_by_shared_trigrams(knowledge_base: KnowledgeBase) -> None:
    found = ask(CharacterTfidf(top_k=2, block_size=1), knowledge_base, ["coryzas", "daltonian", "zzz", "coryzas"])
    assert [linked.best and linked.best.name for linked in found] == ["coryza", "daltonism", None, "coryza"]
    assert all(len(linked.candidates) <= 2 for linked in found)


def test_tfidf_gives_an_exact_name_a_cosine_of_1_and_breaks_ties_by_order() -> None:
    # The same trigrams in the same numbers.
    knowledge_base = KnowledgeBase.from_names({"B": ["abc xyz"], "A": ["xyz abc"], "C": ["other"]})
    (linked,) = ask(CharacterTfidf(top_k=1), knowledge_base, ["xyz abc"])
    assert linked.candidates[0].concept_ids == ("B",)
    assert linked.candidates[0].score == pytest.approx(1.0)
