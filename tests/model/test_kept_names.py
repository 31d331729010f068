"""A knowledge base whose names were tokenised when it was built links as one whose names are tokenised anew."""

import numpy as np
import pytest

from angel_hf import KnowledgeBase
from angel_hf.model.kept_names import keep_names, tokenized_names
from angel_hf.model.tokenized_names import TokenizedNames
from tests.toy import random_model, word_tokenizer

POSITIONS = 64
# Words that this tokenizer does not know read alike, so that the last two share an entry.
NAMES = {"D1": ["ataxia", "old ataxia"], "D2": ["wilson disease"], "D3": ["zygote x"], "D4": ["zebra x"]}


@pytest.fixture
def processor():
    return random_model(word_tokenizer()).processor


# Longer than the model can write.
LONG = {"D0": ["the " * POSITIONS], "D1": [*NAMES["D1"], "ataxia " * POSITIONS]}


@pytest.fixture(params=["folder", "file.safetensors", "long names"])
def stored(request, tmp_path):
    names = NAMES | LONG if request.param == "long names" else NAMES
    return KnowledgeBase.load(KnowledgeBase.from_names(names).save(tmp_path / request.param))


def no_tokenising(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("the names were tokenised again")

    monkeypatch.setattr(TokenizedNames, "build", refuse)


def test_what_is_kept_is_what_is_built(stored, processor, monkeypatch):
    built = TokenizedNames.build(stored, processor, POSITIONS)
    keep_names(stored, processor, POSITIONS)
    no_tokenising(monkeypatch)
    opened = tokenized_names(KnowledgeBase.load(stored.file), processor, POSITIONS)
    assert opened.trie.fingerprint == built.trie.fingerprint
    assert list(opened.knowledge_base.concepts()) == list(built.knowledge_base.concepts())
    assert opened.knowledge_base.fingerprint == built.knowledge_base.fingerprint
    assert [np.array_equal(a, b) for a, b in zip(opened.trie.arrays, built.trie.arrays)] == [True] * len(
        built.trie.arrays
    )


def test_of_another_tokenizer_or_knowledge_base_nothing_is_kept(stored, processor, tmp_path):
    kept = keep_names(stored, processor, POSITIONS)
    other = KnowledgeBase.from_names({**NAMES, "D5": ["fever"]})
    other.save(stored.file)
    changed = tokenized_names(KnowledgeBase.load(stored.file), processor, POSITIONS)
    assert changed.knowledge_base.resolve("D5") == "D5"
    assert changed.trie.num_names == TokenizedNames.build(other, processor, POSITIONS).trie.num_names
    assert tokenized_names(KnowledgeBase.load(stored.file), processor, 32).trie.num_names == changed.trie.num_names
    again = keep_names(KnowledgeBase.load(stored.file), processor, 32)
    assert again != kept and not kept.exists()


@pytest.mark.parametrize("place", [0.3, 0.6, 0.99])
def test_a_damaged_file_is_not_used_and_the_answer_stays(stored, processor, place, caplog):
    built = TokenizedNames.build(stored, processor, POSITIONS)
    kept = keep_names(stored, processor, POSITIONS)
    data = bytearray(kept.read_bytes())
    data[int(len(data) * place)] ^= 4
    kept.write_bytes(data)
    found = tokenized_names(KnowledgeBase.load(stored.file), processor, POSITIONS)
    assert found.trie.fingerprint == built.trie.fingerprint
    assert "not used" in caplog.text and "names are tokenised anew" in caplog.text
