from angel_hf import Candidate, KnowledgeBase
from angel_hf.types import Concept
from eval_harness.protocol import ANGEL, LENIENT, STRICT, gold_concepts, one_concept_each
from tests.eval_harness.toy import CHRONIC, COLD, COLOUR, example


def concepts_of(knowledge_base: KnowledgeBase, name: str) -> tuple[str, ...]:
    entry = knowledge_base.find(name)
    return () if entry is None else knowledge_base.entry_concept_ids(entry)


def test_strict_gives_a_shared_name_to_the_concept_that_prefers_it(knowledge_base: KnowledgeBase) -> None:
    assert concepts_of(knowledge_base, "cold") == (CHRONIC, COLD)
    strict = STRICT.knowledge_base(knowledge_base, [])
    assert concepts_of(strict, "cold") == (COLD,)
    assert strict.concept(CHRONIC).names == ("chronic obstructive lung disease",)
    assert set(strict.entry_names()) == set(knowledge_base.entry_names())


def test_a_name_that_nobody_prefers_goes_to_the_first_concept() -> None:
    shared = KnowledgeBase.from_names({"B": ["one", "tie"], "A": ["two", "tie"]})
    assert concepts_of(one_concept_each(shared), "tie") == ("B",)


def test_a_name_that_two_prefer_goes_to_the_first_and_the_other_may_vanish() -> None:
    strict = one_concept_each(KnowledgeBase.from_names({"B": ["tie"], "A": ["Tie"]}))
    assert concepts_of(strict, "tie") == ("B",)
    assert list(strict.concept_ids) == ["B"]


def test_strict_counts_one_concept_of_a_candidate_even_if_a_predictor_returns_more() -> None:
    both = Candidate("cold", (CHRONIC, COLD), 0.0)
    assert STRICT.is_right(both, frozenset({CHRONIC})) and not STRICT.is_right(both, frozenset({COLD}))
    assert LENIENT.is_right(both, frozenset({COLD})) and ANGEL.is_right(both, frozenset({COLD}))
    assert not ANGEL.is_right(both, frozenset({COLOUR}))


def test_angel_adds_mention_strings_to_every_part_of_a_composite(knowledge_base: KnowledgeBase) -> None:
    examples = [example("colds and daltonism", COLD, COLOUR), example("Cold", CHRONIC), example("new", "D999999")]
    angel = ANGEL.knowledge_base(knowledge_base, examples)
    assert set(concepts_of(angel, "colds and daltonism")) == {COLD, COLOUR}
    assert concepts_of(angel, "cold") == (CHRONIC, COLD)
    assert concepts_of(angel, "new") == ("D999999",)
    assert angel.concept(COLD).names[0] == "cold"


def test_lenient_and_strict_hold_the_names_of_the_ontology_only(knowledge_base: KnowledgeBase) -> None:
    examples = [example("colds and daltonism", COLD, COLOUR)]
    assert LENIENT.knowledge_base(knowledge_base, []) is knowledge_base
    assert LENIENT.knowledge_base_splits == STRICT.knowledge_base_splits == ()
    assert concepts_of(STRICT.knowledge_base(knowledge_base, examples), "colds and daltonism") == ()


def test_alternative_ids_are_resolved_and_unknown_ones_stay() -> None:
    knowledge_base = KnowledgeBase.from_concepts([Concept("D1", ("one",), alternative_ids=("OMIM:1",))])
    assert gold_concepts(example("x", "OMIM:1", "OMIM:2"), knowledge_base) == {"D1", "OMIM:2"}
