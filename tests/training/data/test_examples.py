"""Training pairs ask for a name of the mention's own concept, and come in an order that a seed fixes."""

import random
from dataclasses import replace
from itertools import islice

import pytest
from datasets import Dataset

from angel_hf import AngelProcessor, KnowledgeBase
from angel_hf.text.reading import normalize
from angel_hf.training.data.concept_names import ConceptNames
from angel_hf.training.data.encoding import encode_pairs, group_by_length
from angel_hf.training.data.noise import add_noise
from angel_hf.training.data.pairs import (
    Choice,
    Mixture,
    Pair,
    corpus_choices,
    corpus_contexts,
    fine_tuning_pairs,
    pretraining_pairs,
)
from angel_hf.training.preference.mining import name_mentions
from angel_hf.types import Concept, Mention


def test_the_nearest_name_keeps_the_order_of_the_words(concept_names):
    assert concept_names.nearest("skin tumour", ("D1",), 2) == ["skin tumors", "skin cancer"]
    assert concept_names.nearest("wilson s disease", ("D2",), 3)[0] == "wilson disease"
    assert concept_names.nearest("anything", ("D4",), 3) == ["anemia"]


def test_the_nearest_synonym_is_another_name_of_the_concept(concept_names):
    synonyms = concept_names.nearest_synonyms()
    assert "D4" not in synonyms
    assert synonyms["D2"] == ["disease wilson", "wilson disease", "wilson disease"]
    for concept_id, others in synonyms.items():
        names = concept_names.names[concept_id]
        assert all(other in names and other != name for name, other in zip(names, others, strict=True))


def test_the_seed_decides_between_names_that_are_equally_near():
    knowledge_base = KnowledgeBase.from_concepts([Concept("D1", ("abc", "xyz", "uvw"))])
    found = {tuple(ConceptNames(knowledge_base, seed=seed).nearest("abc", ("D1",), 3)) for seed in range(8)}
    assert found == {("abc", "xyz", "uvw"), ("abc", "uvw", "xyz")}
    again = [ConceptNames(knowledge_base, seed=3).nearest("abc", ("D1",), 3) for _ in range(3)]
    assert again[0] == again[1] == again[2]


@pytest.fixture(scope="module")
def with_synonyms(knowledge_base):
    names = {"D4": ("anaemia", "low red cells"), "D2": ("copper storage disease",)}
    return ConceptNames(knowledge_base, names)


def test_synonyms_are_mentions_and_never_targets(with_synonyms):
    nearest = with_synonyms.nearest_synonyms()
    assert with_synonyms.surfaces["D4"] == ("anemia", "anaemia", "low red cells")
    assert nearest["D4"] == [None, "anemia", "anemia"]
    assert nearest["D2"][-1] in with_synonyms.names["D2"]
    mixture = Mixture(first_copies=0, last_copies=0, noised_synonyms=0)
    pairs = list(pretraining_pairs(with_synonyms, [], 600, seed=1, mixture=mixture))
    targets = {pair.target for pair in pairs}
    assert targets <= {name for names in with_synonyms.names.values() for name in names}
    assert {"anaemia", "low red cells", "copper storage disease"} <= {pair.mention.surface for pair in pairs}
    assert all(pair.target != pair.mention.surface for pair in pairs)


def test_corpus_mentions_get_the_nearest_names_of_each_concept(mentions, concept_names):
    choices = corpus_choices(mentions, concept_names, k=2)
    assert [(choice.mention.surface, choice.targets) for choice in choices] == [
        ("Skin tumour", (("skin tumors", "skin cancer"),)),
        ("Wilson disease", (("wilson disease", "disease wilson"),)),
        ("WD", (tuple(concept_names.nearest("wd", ("D2",), 2)),)),
        ("skin and ovarian cancer", (("skin cancer", "cancer of the skin"), ("ovarian cancer", "cancer of the ovary"))),
    ]


def test_contexts_are_cut_and_lead_to_the_mention(mentions):
    context = corpus_contexts(mentions, max_words=4)[1]
    mention = context.around("anemia")
    assert mention.surface == "anemia"
    assert mention.text == "It is no anemia (WD); skin and"


def test_pretraining_pairs_name_one_concept_and_depend_on_the_seed_only(concept_names, mentions):
    contexts, mixture = corpus_contexts(mentions), Mixture()
    pairs = list(pretraining_pairs(concept_names, contexts, 400, 3, mixture))
    assert pairs == list(pretraining_pairs(concept_names, contexts, 400, 3, mixture))
    assert pairs != list(pretraining_pairs(concept_names, contexts, 400, 4, mixture))
    concept_of = {name: key for key, names in concept_names.names.items() for name in names}
    exact = [pair for pair in pairs if pair.mention.surface in concept_of]
    assert all(concept_of[pair.mention.surface] == concept_of[pair.target] for pair in exact)
    synonyms = [pair for pair in exact if pair.mention.surface != pair.target]
    in_context = [pair for pair in pairs if len(pair.mention.text) > len(pair.mention.surface)]
    assert len(exact) > 200
    assert 70 < len(synonyms) < 300
    assert 30 < len(in_context) < 90


def test_copies_come_first(concept_names):
    mixture = Mixture(first_copies=1.0, last_copies=0.0, copies_settle=300)
    pairs = list(pretraining_pairs(concept_names, [], 1000, 3, mixture))
    concept_of = {name: key for key, names in concept_names.names.items() for name in names}
    changed = [pair.mention.surface in concept_of and pair.mention.surface != pair.target for pair in pairs]
    assert sum(changed[:30]) <= 3
    assert sum(changed[300:]) > 500
    settled = list(pretraining_pairs(concept_names, [], 50, 3, replace(mixture, noised_synonyms=0), settled=True))
    assert all(pair.mention.surface != pair.target for pair in settled)


def test_every_other_fine_tuning_pair_is_replayed_and_each_mention_is_met_once_an_epoch(mentions, concept_names):
    choices = corpus_choices(mentions, concept_names)
    replayed = Pair(Mention("replayed", 0, 8), "replayed")
    pairs = list(fine_tuning_pairs(choices, 16, seed=5, weights=(0.5, 0.3, 0.2), replay=iter([replayed] * 8)))
    assert pairs[1::2] == [replayed] * 8
    for epoch in (pairs[0:8:2], pairs[8:16:2]):
        assert sorted(pair.mention.start for pair in epoch) == [0, 29, 45, 50]
    targets = {choice.mention: {name for names in choice.targets for name in names} for choice in choices}
    assert all(pair.target in targets[pair.mention] for pair in pairs[::2])


def test_the_nearest_names_are_targets_as_often_as_their_weights_say():
    choices = [Choice(Mention("x", 0, 1), "x", (("first", "second", "third"),))]
    targets = [pair.target for pair in fine_tuning_pairs(choices, 4000, seed=1, weights=(6, 3, 1))]
    assert [targets.count(name) / 4000 for name in ("first", "second", "third")] == pytest.approx(
        [0.6, 0.3, 0.1], abs=0.03
    )


def test_a_share_of_the_mentions_is_copied_as_normalised(mentions, concept_names):
    choices = corpus_choices(mentions, concept_names)
    pairs = list(fine_tuning_pairs(choices, 4000, seed=1, weights=(1.0, 1.0, 1.0), copy_share=0.25))
    surfaces = {choice.mention: choice.surface for choice in choices}
    assert surfaces[choices[0].mention] == "skin tumour"
    targets = {choice.mention: {name for names in choice.targets for name in names} for choice in choices}
    # Only mentions that are no name of their concepts tell a copy from a target.
    telling = [pair for pair in pairs if surfaces[pair.mention] not in targets[pair.mention]]
    copied = [pair for pair in telling if pair.target == surfaces[pair.mention]]
    assert len(copied) / len(telling) == pytest.approx(0.25, abs=0.03)
    assert all(pair.target in targets[pair.mention] for pair in telling if pair not in copied)


def test_a_share_of_the_mentions_is_respelled_in_its_place_and_keeps_its_target():
    choices = [Choice(Mention("of skin tumors, early", 3, 14), "skin tumors", (("skin neoplasms",),))]
    pairs = list(fine_tuning_pairs(choices, 4000, seed=1, weights=(1.0,), noise_share=0.3))
    assert {pair.target for pair in pairs} == {"skin neoplasms"}
    assert {pair.mention.text[: pair.mention.start] for pair in pairs} == {"of "}
    assert {pair.mention.text[pair.mention.end :] for pair in pairs} == {", early"}
    respelled = [pair.mention.surface for pair in pairs if pair.mention.surface != "skin tumors"]
    # Not every change changes something: of two words none is dropped.
    rng = random.Random(2)
    changed = sum(add_noise("skin tumors", rng) != "skin tumors" for _ in range(4000)) / 4000
    assert len(respelled) / len(pairs) == pytest.approx(0.3 * changed, abs=0.025)
    assert len(set(respelled)) > 100


def test_a_corpus_that_the_knowledge_base_does_not_know_is_refused():
    with pytest.raises(ValueError, match="no mention of the corpus has a concept of the knowledge base"):
        next(fine_tuning_pairs([], 1, seed=1, weights=(1,)))


def test_encoded_pairs_are_what_the_processor_reads_and_what_does_not_fit_is_left_out(processor):
    mention = Mention("a Skin Cancer here", 2, 13)
    # Twenty tokens or more of few letters, for an encoder of 16.
    long = Mention("2,5,7,8-(4,8,12)", 0, 16)
    short = AngelProcessor(processor.tokenizer, max_source_length=16)
    [row] = encode_pairs(
        [Pair(long, "anemia"), Pair(mention, "skin tumors"), Pair(mention, "s k i n " * 30)], short, 60
    )
    decode = processor.tokenizer.decode
    assert decode(row["input_ids"]) == "<s> a START skin cancer END here</s>"
    assert decode(row["prefix_ids"]) == " skin cancer is"
    assert decode(row["target_ids"]) == " skin tumors</s>"


def test_batches_hold_rows_of_like_length_and_windows_stay_in_place():
    rng = random.Random(0)
    lengths = [rng.randrange(1, 50) for _ in range(16 * 4 * 2 + 3)]
    rows = Dataset.from_dict(
        {
            "input_ids": [[number] * n for number, n in enumerate(lengths)],
            "prefix_ids": [[1]] * 131,
            "target_ids": [[2]] * 131,
        }
    )
    numbers = [row["input_ids"][0] for row in group_by_length(rows, batch_size=4, seed=1, window=16)]
    assert sorted(numbers[:64]) == list(range(64))
    assert sorted(numbers[64:]) == list(range(64, 128))
    spans = [max(batch) - min(batch) for batch in _batches([lengths[number] for number in numbers], 4)]
    assert sum(spans) / len(spans) < 6
    assert [lengths[number] for number in numbers[:64]] != sorted(lengths[:64])


def _batches(items, size):
    items = iter(items)
    return iter(lambda: list(islice(items, size)), [])


def test_noise_changes_a_name_a_little_and_leaves_it_normalised():
    rng = random.Random(1)
    names = ["skin cancer", "muscular atrophy spinal type 2", "als"]
    noised = {name: [add_noise(name, rng) for _ in range(200)] for name in names}
    for name, results in noised.items():
        assert all(result and abs(len(result) - len(name)) <= 12 for result in results)
        assert all(result == normalize(result, "lowercase-punctuation") for result in results)
        assert len(set(results)) > 20


def test_names_are_drawn_as_often_as_their_concepts_weigh(knowledge_base):
    concept_ids = [concept.concept_id for concept in knowledge_base.concepts()]
    weights = {concept_id: 5.0 if concept_id == "D2" else 1.0 for concept_id in concept_ids}
    names = ConceptNames(knowledge_base, weights=weights)
    share = 5 * len(names.names["D2"]) / sum(weights[key] * len(found) for key, found in names.names.items())
    mixture = Mixture(first_copies=1, last_copies=1, noised_copies=0)
    copies = [pair.target for pair in pretraining_pairs(names, [], 4000, seed=1, mixture=mixture)]
    assert sum(name in names.names["D2"] for name in copies) / len(copies) == pytest.approx(share, abs=0.03)
    mixture = Mixture(first_copies=0, last_copies=0, noised_synonyms=0)
    synonyms = [pair.target for pair in pretraining_pairs(names, [], 4000, seed=1, mixture=mixture)]
    several = {key: found for key, found in names.names.items() if len(found) > 1}
    share = 5 * len(names.names["D2"]) / sum(weights[key] * len(found) for key, found in several.items())
    assert sum(name in names.names["D2"] for name in synonyms) / len(synonyms) == pytest.approx(share, abs=0.03)


def test_names_to_mine_are_sampled_by_weight_and_never_twice(knowledge_base):
    weights = {concept.concept_id: 1e6 if concept.concept_id == "D2" else 1e-6 for concept in knowledge_base.concepts()}
    names = ConceptNames(knowledge_base, weights=weights)
    sampled = name_mentions(names, len(names.names["D2"]), seed=2)
    assert sorted(annotated.mention.surface for annotated in sampled) == sorted(names.names["D2"])
    all_of_them = name_mentions(names, 1000, seed=2)
    assert len(all_of_them) == len({(one.mention.surface, one.identifiers) for one in all_of_them})
    assert len(all_of_them) == len(name_mentions(ConceptNames(knowledge_base), 1000, seed=2))
