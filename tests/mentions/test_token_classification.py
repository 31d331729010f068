"""A tagger's labels as mentions. The model is a lookup from token to label, so that its answers are known."""

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from angel_hf.mentions import TokenClassificationDetector

LABELS = ["O", "B-Disease", "I-Disease", "B-Chemical", "I-Chemical"]
VOCABULARY = {
    "[PAD]": "O",
    "[UNK]": "O",
    "[CLS]": "O",
    "[SEP]": "O",
    "wilson": "B-Disease",
    "disease": "I-Disease",
    "copper": "B-Chemical",
    "an": "B-Disease",
    "##emia": "O",  # the label of a word is its first token's
    "in": "O",
    ",": "O",
}


def tagger():
    size = len(VOCABULARY)
    config = BertConfig(
        vocab_size=size,
        hidden_size=size,
        num_hidden_layers=0,
        num_attention_heads=1,
        max_position_embeddings=16,
        id2label=dict(enumerate(LABELS)),
    )
    model = BertForTokenClassification(config).eval()
    embeddings = model.bert.embeddings
    with torch.no_grad():
        embeddings.word_embeddings.weight.copy_(torch.eye(size))
        embeddings.position_embeddings.weight.zero_()
        embeddings.token_type_embeddings.weight.zero_()
        model.classifier.weight.copy_(
            torch.tensor([[float(label == of_token) for of_token in VOCABULARY.values()] for label in LABELS])
        )
        model.classifier.bias.zero_()
    ids = {token: token_id for token_id, token in enumerate(VOCABULARY)}
    backend = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    return model, tokenizer


def surfaces(text, **options):
    return [mention.surface for mention in TokenClassificationDetector(*tagger(), **options).detect([text])[0]]


def test_labels_become_mentions_with_offsets():
    text = "Copper in  Wilson disease, anemia"
    (mentions,) = TokenClassificationDetector(*tagger()).detect([text])
    assert [(mention.start, mention.end) for mention in mentions] == [(0, 6), (11, 25), (27, 33)]
    assert all(mention.text == text for mention in mentions)


def test_only_the_labels_asked_for():
    assert surfaces("copper in wilson disease", labels=["Disease"]) == ["wilson disease"]


def test_a_text_longer_than_the_model_reads_goes_in_windows():
    text = "in " * 40 + "wilson disease " + "in " * 37 + "wilson disease in copper"
    assert surfaces(text) == ["wilson disease", "wilson disease", "copper"]


def test_empty_texts_have_no_mentions():
    assert TokenClassificationDetector(*tagger()).detect(["", " ", "copper"])[:2] == [[], []]


def test_unknown_labels_are_refused():
    with pytest.raises(ValueError, match="no label Gene; expected some of Chemical, Disease"):
        TokenClassificationDetector(*tagger(), labels=["Gene"])
