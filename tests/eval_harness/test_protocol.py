import pytest

from angel_hf import Candidate, KnowledgeBase
from angel_hf.types import Concept
from eval_harness.corpus import Corpus
from eval_harness.protocol import (
    ANGEL,
    BELB,
    BELB_LENIENT,
    BELB_STANDARD,
    BELB_STRICT,
    LENIENT,
    PROTOCOLS,
    STRICT,
    STRINGS,
    gold_concepts,
    gold_parts,
    mention_strings,
    one_concept_each,
    protocols_named,
)
from eval_harness.task import prepare_task
from tests.eval_harness.toy import CHRONIC, COLD, COLOUR, example

BOTH = Candidate("cold", (CHRONIC, COLD), 0.0)
CORYZA = Candidate("coryza", (COLD,), -1.0)


def concepts_of(knowledge_base: KnowledgeBase, name: str) -> tuple[str, ...]:
    entry = knowledge_base.find(name)
    return () if entry is None else knowledge_base.entry_concept_ids(entry)


def parts(*concepts: str) -> list[frozenset[str]]:
    return [frozenset({one}) for one in concepts]


def test_names_of_protocols_are_values_that_come_back() -> None:
    assert [protocols_named(one.name) for one in PROTOCOLS] == [(one,) for one in PROTOCOLS]
    assert protocols_named("belb") == BELB
    with pytest.raises(ValueError, match="protocol 'kind'; expected one of angel, lenient, strings, strict"):
        protocols_named("kind")


def test_strict_gives_a_shared_name_to_the_concept_that_prefers_it(knowledge_base: KnowledgeBase) -> None:
    assert concepts_of(knowledge_base, "cold") == (CHRONIC, COLD)
    strict = STRICT.knowledge_base(knowledge_base)
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
    assert STRICT.rank([BOTH], "cold", parts(CHRONIC)) == 1
    assert STRICT.rank([BOTH], "cold", parts(COLD)) is None
    assert LENIENT.rank([BOTH], "cold", parts(COLD)) == ANGEL.rank([BOTH], "cold", parts(COLD)) == 1
    assert ANGEL.rank([BOTH], "cold", parts(COLOUR)) is None


def test_belb_scores_several_ids_in_three_ways() -> None:
    assert BELB_LENIENT.rank([BOTH], "cold", parts(COLD)) == 1
    assert BELB_STRICT.rank([BOTH], "cold", parts(COLD)) is None
    assert BELB_STRICT.rank([BOTH, CORYZA], "cold", parts(COLD)) == 2
    # One id is drawn for each mention and name: always the same, and each of them now and then.
    drawn = [BELB_STANDARD.counted_concepts(BOTH, f"mention {number}") for number in range(400)]
    assert drawn == [BELB_STANDARD.counted_concepts(BOTH, f"mention {number}") for number in range(400)]
    assert 160 < drawn.count((COLD,)) < 240
    assert drawn.count((COLD,)) + drawn.count((CHRONIC,)) == 400


def test_a_composite_mention_needs_one_part_or_all() -> None:
    daltonism = Candidate("daltonism", (COLOUR,), -2.0)
    assert LENIENT.rank([daltonism, CORYZA], "x", parts(COLOUR, COLD)) == 1
    assert STRICT.rank([daltonism, CORYZA], "x", parts(COLOUR, COLD)) == 2
    assert STRICT.rank([daltonism], "x", parts(COLOUR, COLD)) is None
    # A part that several concepts describe is met by one of them.
    assert STRICT.rank([daltonism], "x", [frozenset({COLOUR, COLD})]) == 1


def test_mention_strings_name_every_part_of_a_composite(knowledge_base: KnowledgeBase) -> None:
    examples = [example("colds and daltonism", COLD, COLOUR), example("Cold", CHRONIC), example("new", "D999999")]
    with_strings = knowledge_base.with_names(mention_strings(knowledge_base, examples))
    assert set(concepts_of(with_strings, "colds and daltonism")) == {COLD, COLOUR}
    assert concepts_of(with_strings, "cold") == (CHRONIC, COLD)
    assert concepts_of(with_strings, "new") == ("D999999",)
    assert with_strings.concept(COLD).names[0] == "cold"


def test_only_two_protocols_add_mention_strings(corpus: Corpus) -> None:
    for protocol in PROTOCOLS:
        added = prepare_task(corpus, "test", protocol).knowledge_base.find("red-green blindness") is not None
        assert added == (protocol in (ANGEL, STRINGS))


def test_alternative_ids_are_resolved_and_unknown_ones_stay() -> None:
    knowledge_base = KnowledgeBase.from_concepts([Concept("D1", ("one",), alternative_ids=("OMIM:1",))])
    assert gold_concepts(example("x", "OMIM:1", "D1"), knowledge_base) == {"D1"}
    assert gold_parts(example("x", "OMIM:1", "D7"), knowledge_base) == (frozenset({"D1"}), frozenset({"D7"}))
