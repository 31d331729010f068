"""Sweeps: what is compared finds the same names, and every point says what it is of."""

import json
import subprocess
import sys

import pytest
import torch

from angel_hf import AngelForEntityLinking, KnowledgeBase
from benchmarks.data import REPOSITORY
from benchmarks.plots import plots_of
from benchmarks.sweep_measurement import example_mentions, name_lists, plain_bart
from tests.toy import byte_tokenizer, random_model

NAMES = {f"D{number}": [f"{first} {second}"] for number, (first, second) in enumerate(
    (first, second) for first in ("ataxia", "wilson", "fever", "old") for second in ("disease", "of q", "gene a")
)}  # fmt: skip


def test_names_are_the_knowledge_bases_own_and_then_combinations_of_their_words():
    knowledge_base = KnowledgeBase.from_names(NAMES)
    few, all_, more = name_lists(knowledge_base, [4, 12, 200], seed=3)
    real = [names[0] for names in NAMES.values()]
    assert (len(few), set(few) <= set(real), all_) == (4, True, real)
    assert (len(more), more[:12]) == (200, real)
    words = {word for name in [*real, "with"] for word in name.split()}
    assert {word for name in more for word in name.split()} <= words
    assert list(name_lists(knowledge_base, [200], seed=3)) == [more]


@pytest.mark.parametrize("normalize_before", [False, True])
def test_the_peer_computes_what_the_model_computes(normalize_before):
    model = random_model(byte_tokenizer(), normalize_before=normalize_before)
    source, target = torch.tensor([[0, 5, 6, 7, 2]]), torch.tensor([[2, 8, 4]])
    with torch.inference_mode():
        ours = model(input_ids=source, decoder_input_ids=target).logits
        theirs = plain_bart(model)(input_ids=source, decoder_input_ids=target).logits
    torch.testing.assert_close(theirs, ours)


def test_the_peer_keeps_keys_and_values_whatever_the_model_says():
    model = random_model(byte_tokenizer(), use_cache=False)
    assert plain_bart(model).generation_config.use_cache is True
    assert model.config.use_cache is False


def test_the_mentions_are_those_of_the_example():
    mentions = example_mentions()
    assert len(mentions) > 20
    assert mentions[0].surface == "copper toxicosis"


@pytest.mark.slow
def test_a_quick_run(tmp_path):
    model = AngelForEntityLinking.from_pretrained(REPOSITORY / "tests" / "sample" / "reference" / "tiny")
    model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    model.save_pretrained(tmp_path / "model")
    output = tmp_path / "sweeps.json"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.sweeps", "--quick", "--model", tmp_path / "model", "--output", output],
        cwd=REPOSITORY, check=True,
    )  # fmt: skip
    document = json.loads(output.read_text())
    sweeps = document["sweeps"]
    assert (document["format"], document["machine"]["threads"]) == ("angel-sweeps-1", 1)
    points = [(point["series"], point["at"]) for point in sweeps["by_batch_size"]]
    assert points == [("angel_hf", 1), ("angel_hf", 4), ("angel_hf", 16), ("transformers", 1), ("transformers", 16)]
    assert sweeps["work"]["operations"] < sweeps["their_operations"]
    for point in sweeps["memory"]:
        assert point["name_trie"]["held"] < point["nested_dict"]["held"]
    assert [plot.name for plot in plots_of(sweeps)][-1] == "memory-by-names"
