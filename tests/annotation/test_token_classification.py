"""A tagger's labels as mentions. The model is a lookup from token to label, so that its answers are known."""

import copy
import json

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertConfig,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForTokenClassification,
)

from angel_hf.annotation import DictionaryDetector, TokenClassificationDetector

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


def tagger(names=None):
    """The lookup; `names` gives its labels other names."""
    size = len(VOCABULARY)
    config = BertConfig(
        vocab_size=size,
        hidden_size=size,
        num_hidden_layers=0,
        num_attention_heads=1,
        max_position_embeddings=16,
        id2label=dict(enumerate(names or LABELS)),
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


@pytest.mark.parametrize("before", range(32))
def test_a_mention_is_found_wherever_the_windows_end(before):
    text = "in " * before + "wilson disease" + " in" * 20
    (mentions,) = TokenClassificationDetector(*tagger()).detect([text])
    assert [(mention.start, mention.end) for mention in mentions] == [(3 * before, 3 * before + 14)]


@pytest.mark.parametrize(
    "names",
    [
        ["O", "B-cell-line", "I-cell-line", "B-Chemical", "I-Chemical"],  # a type with a hyphen
        ["O", "B-cell-line", "E-cell-line", "S-Chemical", "I-Chemical"],  # IOBES
        ["O", "B-cell-line", "L-cell-line", "U-Chemical", "I-Chemical"],  # BILOU
    ],
)
def test_other_schemes_of_labels_give_the_same_mentions(names):
    model, tokenizer = tagger(names)
    text = "copper in wilson disease"
    (mentions,) = TokenClassificationDetector(model, tokenizer, labels=["cell-line"]).detect([text])
    assert [mention.surface for mention in mentions] == ["wilson disease"]
    assert list(model.config.id2label.values()) == names, "the model stays as it is"


def test_types_without_a_scheme_join_neighbours():
    model, tokenizer = tagger(["O", "Disease", "Other", "Chemical", "Rest"])
    assert [
        mention.surface for mention in TokenClassificationDetector(model, tokenizer).detect(["copper in wilson"])[0]
    ] == ["copper", "wilson"]


def test_a_byte_level_tagger_tells_exact_offsets_in_any_text(reference_tokenizer):
    """RoBERTa's shape, which keeps two positions for padding; each word takes the label of its first token."""
    tokenizer = copy.deepcopy(reference_tokenizer)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        num_hidden_layers=0,
        num_attention_heads=1,
        max_position_embeddings=20,
        pad_token_id=1,
        id2label={0: "O", 1: "B-Disease"},
    )
    model = RobertaForTokenClassification(config).eval()
    first = tokenizer(" ataxia", add_special_tokens=False).input_ids[0]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.roberta.embeddings.word_embeddings.weight[first, 0] = 1.0
        model.roberta.embeddings.LayerNorm.weight.fill_(1.0)
        model.classifier.weight[1, 0] = 1.0
        model.classifier.bias[0] = 0.5
    text = "β-癌 🧬 of  ataxia, " + "gene " * 40 + "and ataxiaqq (or not"
    (mentions,) = TokenClassificationDetector(model, tokenizer).detect([text])
    assert [mention.surface for mention in mentions] == ["ataxia", "ataxiaqq"], "whole words, without the comma"
    assert [mention.start for mention in mentions] == [text.index("ataxia"), text.rindex("ataxia")]


def test_a_tagger_and_a_dictionary_give_the_same_mentions():
    text = "Copper in  Wilson disease, 🧬 anemia"
    names = DictionaryDetector(["Copper", "Wilson Disease", "Anemia"])
    assert TokenClassificationDetector(*tagger()).detect([text]) == names.detect([text])


def test_empty_texts_have_no_mentions():
    assert TokenClassificationDetector(*tagger()).detect(["", " ", "copper"])[:2] == [[], []]


def test_code_of_a_repository_is_refused_without_a_question(tmp_path, monkeypatch):
    model, tokenizer = tagger()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    own = {"AutoConfig": "own_tagger.OwnConfig", "AutoModelForTokenClassification": "own_tagger.OwnTagger"}
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "own-tagger", "auto_map": own}))
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("nothing may be asked on stdin"))
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        TokenClassificationDetector.from_pretrained(tmp_path)


@pytest.mark.parametrize("trusted", [False, True])
def test_model_and_tokenizer_are_trusted_as_requested(monkeypatch, trusted):
    calls, (model, tokenizer) = [], tagger()
    for auto, loaded in ((AutoModelForTokenClassification, model), (AutoTokenizer, tokenizer)):
        monkeypatch.setattr(auto, "from_pretrained", lambda name, own=loaded, **options: calls.append(options) or own)
    TokenClassificationDetector.from_pretrained("org/tagger", revision="v1", trust_remote_code=trusted)
    assert calls == [{"revision": "v1", "trust_remote_code": trusted}] * 2


def test_unknown_labels_are_refused():
    with pytest.raises(ValueError, match="no label Gene; expected some of Chemical, Disease"):
        TokenClassificationDetector(*tagger(), labels=["Gene"])
