"""Training pairs ask for a name of the mention's own concept, and come in an order that a seed fixes."""

import random
from itertools import islice

import pytest
from datasets import Dataset

from angel_hf.knowledge_base import normalize
from angel_hf.training.examples import (
    Pair,
    corpus_choices,
    corpus_contexts,
    encode_pairs,
    fine_tuning_pairs,
    gold_concepts,
    group_by_length,
    pretraining_pairs,
)
from angel_hf.training.noise import add_noise
from angel_hf.types import Mention


def test_the_nearest_name_keeps_the_order_of_the_words(concept_names):
    assert concept_names.nearest("skin tumour", "D1", 2) == ["skin tumors", "skin cancer"]
    assert concept_names.nearest("wilson s disease", "D2", 3)[0] == "wilson disease"
    assert concept_names.nearest("anything", "D4", 3) == ["anemia"]


def test_the_nearest_synonym_is_another_name_of_the_concept(concept_names):
    synonyms = concept_names.nearest_synonyms()
    assert "D4" not in synonyms
    assert synonyms["D2"] == ["disease wilson", "wilson disease", "wilson disease"]
    for concept_id, others in synonyms.items():
        names = concept_names.names[concept_id]
        assert all(other in names and other != name for name, other in zip(names, others, strict=True))


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("D1", ["D1"]),
        (" D2", ["D2"]),
        ("MESH:D2", ["D2"]),
        ("OMIM:1", ["D1"]),
        ("D1|D5", ["D1", "D5"]),
        ("D3+OMIM:1", ["D3", "D1"]),
        ("OMIM:1|D1", ["D1"]),
        ("D999|D4", ["D4"]),
        ("-1", []),
    ],
)
def test_gold_identifiers_are_split_and_resolved(knowledge_base, identifier, expected):
    assert gold_concepts(identifier, knowledge_base) == expected


def test_corpus_mentions_get_the_nearest_names_of_each_concept(documents, concept_names):
    choices = corpus_choices(documents, concept_names, k=2)
    assert [(mention.surface, targets) for mention, targets in choices] == [
        ("Skin tumour", [["skin tumors", "skin cancer"]]),
        ("Wilson disease", [["wilson disease", "disease wilson"]]),
        ("WD", [concept_names.nearest("wd", "D2", 2)]),
        ("skin and ovarian cancer", [["skin cancer", "cancer of the skin"], ["ovarian cancer", "cancer of the ovary"]]),
    ]


def test_contexts_are_cut_and_lead_to_the_mention(documents):
    context = corpus_contexts(documents, max_words=4)[1]
    mention = context.around("anemia")
    assert mention.surface == "anemia"
    assert mention.text == "It is no anemia (WD); skin and"


def test_pretraining_pairs_name_one_concept_and_depend_on_the_seed_only(concept_names, documents):
    contexts = corpus_contexts(documents)
    pairs = list(pretraining_pairs(concept_names, contexts, 400, seed=3))
    assert pairs == list(pretraining_pairs(concept_names, contexts, 400, seed=3))
    assert pairs != list(pretraining_pairs(concept_names, contexts, 400, seed=4))
    concept_of = {name: key for key, names in concept_names.names.items() for name in names}
    exact = [pair for pair in pairs if pair.mention.surface in concept_of]
    assert all(concept_of[pair.mention.surface] == concept_of[pair.target] for pair in exact)
    synonyms = [pair for pair in exact if pair.mention.surface != pair.target]
    in_context = [pair for pair in pairs if len(pair.mention.text) > len(pair.mention.surface)]
    assert len(exact) > 200
    assert 70 < len(synonyms) < 300
    assert 30 < len(in_context) < 90


def test_copies_come_first(concept_names):
    pairs = list(
        pretraining_pairs(concept_names, [], 1000, seed=3, first_copies=1.0, last_copies=0.0, copies_settle=300)
    )
    concept_of = {name: key for key, names in concept_names.names.items() for name in names}
    changed = [pair.mention.surface in concept_of and pair.mention.surface != pair.target for pair in pairs]
    assert sum(changed[:30]) <= 3
    assert sum(changed[300:]) > 500


def test_every_other_fine_tuning_pair_is_replayed_and_each_mention_is_met_once_an_epoch(documents, concept_names):
    choices = corpus_choices(documents, concept_names)
    replayed = Pair(Mention("replayed", 0, 8), "replayed")
    pairs = list(fine_tuning_pairs(choices, iter([replayed] * 8), 16, seed=5))
    assert pairs[1::2] == [replayed] * 8
    for epoch in (pairs[0:8:2], pairs[8:16:2]):
        assert sorted(pair.mention.start for pair in epoch) == [0, 29, 45, 50]
    targets = {mention: {name for names in options for name in names} for mention, options in choices}
    assert all(pair.target in targets[pair.mention] for pair in pairs[::2])


def test_encoded_pairs_are_what_the_processor_reads_and_what_does_not_fit_is_left_out(processor):
    mention = Mention("a Skin Cancer here", 2, 13)
    long = Mention("x" * 100, 0, 100)
    [row] = encode_pairs(
        [Pair(long, "anemia"), Pair(mention, "skin tumors"), Pair(mention, "s k i n " * 30)], processor, 60
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
