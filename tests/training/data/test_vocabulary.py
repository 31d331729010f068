"""The vocabulary spells any text, and the words that the model is steered by are one id each."""

import pytest

from angel_hf.training.data.vocabulary import SPECIAL_TOKENS, train_tokenizer

TEXTS = [" wilson disease", " hepatolenticular degeneration", " it is no disease"]


def test_special_ids_and_whole_words(tokenizer):
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    for word in ("START", "END", "is", " START", " END", " is"):
        assert len(tokenizer.encode(word, add_special_tokens=False)) == 1
    assert tokenizer.encode(" is")[0] == tokenizer.bos_token_id
    assert tokenizer.encode(" is")[-1] == tokenizer.eos_token_id


def test_any_text_survives(tokenizer):
    text = " Behçet 病 β-thalassaemia\t42"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_a_saved_tokenizer_is_the_same(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path)(" wilson START") == tokenizer(" wilson START")


def test_a_vocabulary_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match=r"'START' became \d ids .* in a vocabulary of 262; expected one"):
        train_tokenizer(TEXTS, 262, ["START"])
