"""BART whose layers normalise after each block, as published, or before it.

With normalisation before each block (pre-norm; Xiong et al. 2020, arXiv 2002.04745) the residual stream passes
through the stack untouched, and a small model trained from scratch learns faster. The parameters keep BART's names;
each stack has a further `layer_norm` at its end.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import dropout
from transformers import BartConfig, BartForConditionalGeneration
from transformers.models.bart.modeling_bart import BartDecoder, BartDecoderLayer, BartEncoder, BartEncoderLayer


class PreNormEncoderLayer(BartEncoderLayer):
    """An encoder layer that normalises the input of its blocks and not what leaves them."""

    def forward(self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None, **kwargs: Any) -> torch.Tensor:
        """Hidden states [batch, tokens, width] to the same shape."""
        attended, _ = self.self_attn(self.self_attn_layer_norm(hidden_states), attention_mask=attention_mask, **kwargs)
        hidden_states = hidden_states + dropout(attended, self.dropout, self.training)
        return hidden_states + _feed_forward(self, self.final_layer_norm(hidden_states))


class PreNormDecoderLayer(BartDecoderLayer):
    """A decoder layer that normalises the input of its blocks and not what leaves them."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        encoder_hidden_states: torch.Tensor | None = None,
        encoder_attention_mask: torch.Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool | None = True,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Hidden states [batch, tokens, width] to the same shape."""
        attended, _ = self.self_attn(
            self.self_attn_layer_norm(hidden_states),
            past_key_values=past_key_values,
            attention_mask=attention_mask,
            **kwargs,
        )
        hidden_states = hidden_states + dropout(attended, self.dropout, self.training)
        if encoder_hidden_states is not None:
            attended, _ = self.encoder_attn(
                self.encoder_attn_layer_norm(hidden_states),
                key_value_states=encoder_hidden_states,
                attention_mask=encoder_attention_mask,
                past_key_values=past_key_values,
                **kwargs,
            )
            hidden_states = hidden_states + dropout(attended, self.dropout, self.training)
        return hidden_states + _feed_forward(self, self.final_layer_norm(hidden_states))


def _feed_forward(layer: Any, hidden_states: torch.Tensor) -> torch.Tensor:
    inner = dropout(layer.activation_fn(layer.fc1(hidden_states)), layer.activation_dropout, layer.training)
    return dropout(layer.fc2(inner), layer.dropout, layer.training)


class PreNormEncoder(BartEncoder):
    """A stack of PreNormEncoderLayer, normalised at its end."""

    def __init__(self, config: BartConfig) -> None:
        super().__init__(config)
        self.layers = nn.ModuleList(PreNormEncoderLayer(config, depth) for depth in range(config.encoder_layers))
        self.layer_norm = nn.LayerNorm(config.d_model)
        self.post_init()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As BART's encoder."""
        return _normalized(super().forward(*args, **kwargs), self.layer_norm)


class PreNormDecoder(BartDecoder):
    """A stack of PreNormDecoderLayer, normalised at its end."""

    def __init__(self, config: BartConfig) -> None:
        super().__init__(config)
        self.layers = nn.ModuleList(PreNormDecoderLayer(config, depth) for depth in range(config.decoder_layers))
        self.layer_norm = nn.LayerNorm(config.d_model)
        self.post_init()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As BART's decoder."""
        return _normalized(super().forward(*args, **kwargs), self.layer_norm)


def _normalized(outputs: Any, layer_norm: nn.LayerNorm) -> Any:
    """A stack's outputs with the last hidden state normalised."""
    if isinstance(outputs, tuple):
        return (layer_norm(outputs[0]), *outputs[1:])
    outputs.last_hidden_state = layer_norm(outputs.last_hidden_state)
    return outputs


class AngelBart(BartForConditionalGeneration):
    """BART with a language-modelling head; pre-norm where `config.normalize_before` says so.

    Args:
        config: BART's; one without `normalize_before` means BART as published.
    """

    _no_split_modules = [  # noqa: RUF012  # as transformers declares it
        "BartEncoderLayer",
        "BartDecoderLayer",
        "PreNormEncoderLayer",
        "PreNormDecoderLayer",
    ]

    def __init__(self, config: BartConfig) -> None:
        super().__init__(config)
        if getattr(config, "normalize_before", False):
            self.model.encoder = PreNormEncoder(config)
            self.model.decoder = PreNormDecoder(config)
            self.post_init()
