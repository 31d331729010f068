"""A BART that starts from a pretrained BERT: the encoder exactly, the decoder from some of its layers or new.

A post-norm BART encoder computes what a BERT does, if its layer norms have BERT's epsilon and its positions include
the embedding of the first segment (tests compare hidden states).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoConfig, AutoTokenizer, BartConfig, BertModel, PreTrainedTokenizerBase, set_seed

from angel_hf.training.data.word_pieces import MARKERS, original_ids
from angel_hf.training.model.bart import AngelBart
from angel_hf.training.recipes.schema import Model, Shape

DecoderStart = Literal["encoder", "new"]
# BART's table of positions has two rows before the first.
_POSITION_OFFSET = 2
_CROSS_ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")


@dataclass(frozen=True)
class PretrainedEncoder:
    """A BERT and its tokenizer."""

    bert: BertModel
    tokenizer: PreTrainedTokenizerBase


def load_encoder(checkpoint: str, sha256: str | None = None) -> PretrainedEncoder:
    """Load a BERT: a directory or a Hub repository, such as BioBERT, PubMedBERT, SapBERT or MiniLM.

    Args:
        checkpoint: where it is.
        sha256: of the file model.safetensors, where the checkpoint is a directory; another file is refused.

    Raises:
        ValueError: not a BERT, or other weights than `sha256` says.
        OSError: the checkpoint is unavailable.
    """
    config = AutoConfig.from_pretrained(checkpoint)
    if config.model_type != "bert":
        raise ValueError(f"encoder {checkpoint} is of type {config.model_type!r}; expected 'bert'")
    positions = getattr(config, "position_embedding_type", "absolute")
    if positions != "absolute":
        raise ValueError(f"encoder {checkpoint} has {positions} positions; expected absolute ones")
    if sha256 is not None:
        _check_digest(Path(checkpoint) / "model.safetensors", sha256)
    bert = BertModel.from_pretrained(checkpoint, add_pooling_layer=False, dtype=torch.float32).eval()
    return PretrainedEncoder(bert, AutoTokenizer.from_pretrained(checkpoint))


def encoder_shape(model: Model) -> Shape:
    """The shape of a recipe's model with a pretrained encoder; its vocabulary may become smaller.

    Raises:
        OSError: the encoder is unavailable.
    """
    assert model.encoder is not None and model.decoder_layers is not None and model.max_source_length is not None
    config = AutoConfig.from_pretrained(model.encoder)
    return Shape(
        vocabulary_size=config.vocab_size,
        d_model=config.hidden_size,
        encoder_layers=config.num_hidden_layers,
        decoder_layers=model.decoder_layers,
        attention_heads=config.num_attention_heads,
        ffn_dim=config.intermediate_size,
        max_positions=config.max_position_embeddings,
        max_source_length=model.max_source_length,
    )


def model_from_encoder(
    encoder: PretrainedEncoder,
    tokenizer: PreTrainedTokenizerBase,
    decoder_layers: int,
    decoder_start: DecoderStart,
    dropout: float,
    seed: int,
) -> AngelBart:
    """A BART whose encoder computes what the BERT does.

    Args:
        encoder: the BERT.
        tokenizer: the pieces that are kept, with the BERT's embeddings; a marker's is random.
        decoder_layers: number of the decoder's layers.
        decoder_start: "encoder" starts them as the last layers of the encoder, cross-attention as self-attention;
            "new" at random.
        dropout: of hidden states and attention in training.
        seed: of what is new.

    Raises:
        ValueError: more decoder layers than the encoder has are to start from it.
    """
    bert: Any = encoder.bert
    if decoder_start == "encoder" and decoder_layers > bert.config.num_hidden_layers:
        raise ValueError(
            f"decoder_layers is {decoder_layers}; expected at most the encoder's {bert.config.num_hidden_layers}, from "
            'which they start, or decoder_start = "new"'
        )
    set_seed(seed)
    model = AngelBart(_config(bert, tokenizer, decoder_layers, dropout))
    with torch.no_grad():
        _copy_embeddings(encoder, model, tokenizer)
        for ours, theirs in zip(model.model.encoder.layers, bert.encoder.layer):
            _copy_layer(theirs, ours)
        if decoder_start == "encoder":
            for ours, theirs in zip(model.model.decoder.layers, bert.encoder.layer[-decoder_layers:]):
                _copy_layer(theirs, ours)
                for name in _CROSS_ATTENTION:
                    getattr(ours.encoder_attn, name).load_state_dict(getattr(ours.self_attn, name).state_dict())
                ours.encoder_attn_layer_norm.load_state_dict(ours.self_attn_layer_norm.state_dict())
    return model


def _config(bert: Any, tokenizer: PreTrainedTokenizerBase, decoder_layers: int, dropout: float) -> BartConfig:
    theirs = bert.config
    return BartConfig(
        vocab_size=len(tokenizer),
        d_model=theirs.hidden_size,
        encoder_layers=theirs.num_hidden_layers,
        decoder_layers=decoder_layers,
        encoder_attention_heads=theirs.num_attention_heads,
        decoder_attention_heads=theirs.num_attention_heads,
        encoder_ffn_dim=theirs.intermediate_size,
        decoder_ffn_dim=theirs.intermediate_size,
        max_position_embeddings=theirs.max_position_embeddings,
        activation_function=theirs.hidden_act,
        dropout=dropout,
        attention_dropout=dropout,
        activation_dropout=0.0,
        layer_norm_eps=theirs.layer_norm_eps,
        forced_eos_token_id=None,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
    )


def _copy_embeddings(encoder: PretrainedEncoder, model: AngelBart, tokenizer: PreTrainedTokenizerBase) -> None:
    theirs: Any = encoder.bert.embeddings
    words = theirs.word_embeddings.weight
    model.model.shared.weight.copy_(words[torch.tensor(original_ids(tokenizer, encoder.tokenizer))])
    markers = torch.tensor(tokenizer.convert_tokens_to_ids(list(MARKERS)))
    # The encoder knows no markers; they start apart from all words and from one another.
    model.model.shared.weight[markers] = torch.randn(len(markers), words.shape[1]) * words.std() + words.mean(0)
    # The encoder always reads the first segment.
    positions = theirs.position_embeddings.weight + theirs.token_type_embeddings.weight[0]
    for stack in (model.model.encoder, model.model.decoder):
        stack.embed_positions.weight.zero_()
        stack.embed_positions.weight[_POSITION_OFFSET:].copy_(positions)
        stack.layernorm_embedding.load_state_dict(theirs.LayerNorm.state_dict())


def _copy_layer(theirs: Any, ours: Any) -> None:
    """One layer of BERT into the same parts of a BART layer."""
    attention = theirs.attention
    for source, target in (
        (attention.self.query, ours.self_attn.q_proj),
        (attention.self.key, ours.self_attn.k_proj),
        (attention.self.value, ours.self_attn.v_proj),
        (attention.output.dense, ours.self_attn.out_proj),
        (attention.output.LayerNorm, ours.self_attn_layer_norm),
        (theirs.intermediate.dense, ours.fc1),
        (theirs.output.dense, ours.fc2),
        (theirs.output.LayerNorm, ours.final_layer_norm),
    ):
        target.load_state_dict(source.state_dict())


def _check_digest(file: Path, expected: str) -> None:
    if not file.is_file():
        raise ValueError(f"{file}: is missing; encoder_sha256 needs a directory with model.safetensors")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        raise ValueError(f"{file}: has SHA-256 {found}; the recipe's encoder_sha256 is {expected}")
