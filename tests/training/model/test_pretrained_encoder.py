"""A BART with a pretrained BERT as encoder computes what that BERT does."""

import dataclasses

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from angel_hf.training.data.word_pieces import MARKERS, kept_word_pieces, original_ids
from angel_hf.training.model.pretrained_encoder import PretrainedEncoder, load_encoder, model_from_encoder
from angel_hf.training.recipes.schema import Model

WORDS = ["wilson", "disease", "hepato", "##lenticular", "degeneration", "is", "cop", "##per", "unused", "##word"]
LETTERS = [prefix + letter for letter in "abcdefghijklmnopqrstuvwxyz'" for prefix in ("", "##")]
VOCABULARY = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *LETTERS]
TEXTS = [" wilson disease", " hepatolenticular degeneration", " copper"]


def wordpiece_tokenizer():
    backend = Tokenizer(models.WordPiece({token: i for i, token in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {name: f"[{name.upper()[:-6]}]" for name in ("unk_token", "cls_token", "sep_token", "pad_token")}
    return PreTrainedTokenizerFast(tokenizer_object=backend, mask_token="[MASK]", **names)


# The shapes of MiniLM (small), BioBERT (cased, many positions) and PubMedBERT or SapBERT, made narrow.
SHAPES = {
    "minilm": {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96},
    "biobert": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 128},
    "sapbert": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "layer_norm_eps": 1e-12},
}


@pytest.fixture(params=SHAPES)
def encoder(request):
    torch.manual_seed(3)
    config = BertConfig(vocab_size=len(VOCABULARY), max_position_embeddings=40, **SHAPES[request.param])
    bert = BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for name, weight in bert.named_parameters():
            # Far from where they start: biases and norms of 0 and 1 would hide a wrong copy.
            weight.add_(torch.randn_like(weight) * (0.3 if "LayerNorm" in name or name.endswith("bias") else 0.1))
    return PretrainedEncoder(bert, wordpiece_tokenizer())


@pytest.fixture
def kept(encoder):
    return kept_word_pieces(encoder.tokenizer, TEXTS, "is")


def test_hidden_states_are_the_encoders(encoder, kept):
    model = model_from_encoder(encoder, kept, 2, "new", 0.1, seed=1).eval()
    texts = ["wilson's disease", "hepatolenticular degeneration is copper disease x", "is"]
    theirs = encoder.tokenizer([f"[CLS] {text} [SEP]" for text in texts], padding=True, return_tensors="pt")
    ours = kept(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = encoder.bert(input_ids=theirs["input_ids"], attention_mask=theirs["attention_mask"])
        found = model.get_encoder()(input_ids=ours["input_ids"], attention_mask=ours["attention_mask"])
    read = theirs["attention_mask"].bool()
    torch.testing.assert_close(
        found.last_hidden_state[read], expected.last_hidden_state[read], atol=1e-5, rtol=0, check_dtype=True
    )


def test_the_decoder_starts_as_the_last_layers_of_the_encoder(encoder, kept):
    model = model_from_encoder(encoder, kept, 2, "encoder", 0.0, seed=1)
    for ours, theirs in zip(model.model.decoder.layers, encoder.bert.encoder.layer[-2:], strict=True):
        for attention in (ours.self_attn, ours.encoder_attn):
            assert torch.equal(attention.k_proj.weight, theirs.attention.self.key.weight)
            assert torch.equal(attention.out_proj.bias, theirs.attention.output.dense.bias)
        assert torch.equal(ours.fc1.weight, theirs.intermediate.dense.weight)


def test_a_decoder_deeper_than_the_encoder_cannot_start_from_it(encoder, kept):
    with pytest.raises(ValueError, match=r'decoder_layers is 9; expected at most .* or decoder_start = "new"'):
        model_from_encoder(encoder, kept, 9, "encoder", 0.0, seed=1)


def test_texts_read_as_before_and_unused_pieces_go(encoder, kept):
    original = encoder.tokenizer
    for text in [*TEXTS, " wilson disease is", "zygote'"]:
        before = original.convert_ids_to_tokens(original(text, add_special_tokens=False)["input_ids"])
        assert kept.convert_ids_to_tokens(kept(text, add_special_tokens=False)["input_ids"]) == before
    assert not {"unused", "##word", "[unused0]"} & kept.get_vocab().keys()
    tokens = kept.convert_ids_to_tokens(range(len(kept)))
    back = original.convert_ids_to_tokens(original_ids(kept, original))
    assert [ours for ours, theirs in zip(tokens, back, strict=True) if ours != theirs] == list(MARKERS)


def test_markers_are_one_token_that_no_text_spells(kept):
    assert all(len(kept(marker, add_special_tokens=False)["input_ids"]) == 1 for marker in MARKERS)
    plain = kept("[START]", add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert kept.convert_tokens_to_ids("[START]") not in plain


def test_only_a_bert_of_the_right_weights_is_loaded(encoder, tmp_path):
    encoder.bert.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    assert load_encoder(str(tmp_path)).bert.config.hidden_size == encoder.bert.config.hidden_size
    with pytest.raises(ValueError, match=r"has SHA-256 [0-9a-f]{64}; the recipe's encoder_sha256 is 00"):
        load_encoder(str(tmp_path), "00")
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"bert"', '"distilbert"'))
    with pytest.raises(ValueError, match="is of type 'distilbert'; expected 'bert'"):
        load_encoder(str(tmp_path))


def test_a_recipe_leaves_the_shape_to_the_encoder():
    model = Model(encoder="x", decoder_layers=2, max_source_length=32)
    assert model.base is None
    for wrong, cause in (
        ({"decoder_layers": None}, "decoder_layers is missing"),
        ({"d_model": 8}, "d_model is given beside encoder x"),
        ({"base": "angel-mini"}, "base and encoder are both given"),
        ({"normalize_before": True}, "BERT normalises after each block"),
    ):
        with pytest.raises(ValueError, match=cause):
            dataclasses.replace(model, **wrong)
