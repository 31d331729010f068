"""A small BART from scratch, initialised so that copying is learned early."""

from __future__ import annotations

import math

import torch
from torch import nn
from transformers import BartConfig, PreTrainedTokenizerBase, set_seed
from transformers.models.bart.modeling_bart import BartAttention

from angel_hf.training.model.bart import AngelBart
from angel_hf.training.recipes.schema import Shape


def new_model(
    tokenizer: PreTrainedTokenizerBase, shape: Shape, dropout: float, seed: int, normalize_before: bool = False
) -> AngelBart:
    """A BART whose learned positions start as sinusoids.

    Positions get the standard deviation of the token embeddings, so that neither dominates their sum: copying a
    mention, with which most names start, is learned in the first minutes.
    """
    set_seed(seed)
    config = bart_config(shape, len(tokenizer), dropout, normalize_before)
    config.update(
        {
            "bos_token_id": tokenizer.bos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "decoder_start_token_id": tokenizer.eos_token_id,
        }
    )
    model = AngelBart(config)
    with torch.no_grad():
        for positions in (model.model.encoder.embed_positions, model.model.decoder.embed_positions):
            table = sinusoids(positions.num_embeddings, config.d_model)
            positions.weight.copy_(table * (config.init_std / table.std()))
        _start_near_copying(model)
    return model


def bart_config(shape: Shape, vocabulary_size: int, dropout: float = 0.0, normalize_before: bool = False) -> BartConfig:
    """The configuration of a BART of a shape; `vocabulary_size` replaces the shape's, which training may not reach."""
    return BartConfig(
        vocab_size=vocabulary_size,
        d_model=shape.d_model,
        encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers,
        encoder_attention_heads=shape.attention_heads,
        decoder_attention_heads=shape.attention_heads,
        encoder_ffn_dim=shape.ffn_dim,
        decoder_ffn_dim=shape.ffn_dim,
        max_position_embeddings=shape.max_positions,
        dropout=dropout,
        attention_dropout=dropout,
        activation_dropout=0.0,
        forced_eos_token_id=None,
        normalize_before=normalize_before,
    )


def _start_near_copying(model: AngelBart) -> None:
    """Weights with which attention looks for similar states, and cross-attention passes their content on.

    BART's standard deviation of 0.02 suits a width of 1,024; at a quarter of that attention starts uniform.
    Queries begin correlated with keys, and the product of value and output projections near the identity.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and name != "lm_head":
            nn.init.xavier_uniform_(module.weight)
    for module in model.modules():
        if isinstance(module, BartAttention):
            module.q_proj.weight.mul_(0.5).add_(module.k_proj.weight, alpha=0.7)
    for layer in model.model.decoder.layers:
        rotation = nn.init.orthogonal_(torch.empty_like(layer.encoder_attn.v_proj.weight))
        layer.encoder_attn.v_proj.weight.mul_(0.5).add_(rotation, alpha=0.5)
        layer.encoder_attn.out_proj.weight.mul_(0.5).add_(rotation.T, alpha=0.5)


def sinusoids(positions: int, width: int) -> torch.Tensor:
    """Sines in the first half of the columns and cosines in the second, [positions, width] float32."""
    rates = torch.exp(torch.arange(width // 2) * (-math.log(10000.0) / (width // 2)))
    angles = torch.arange(positions)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
