"""BART whose layers normalise after each block, as published, or before it.

With normalisation before each block (pre-norm; Xiong et al. 2020, arXiv 2002.04745) the residual stream passes
through the stack untouched, and a small model trained from scratch learns faster. The parameters keep BART's names;
each stack has a further `layer_norm` at its end.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn
from torch.nn.functional import dropout
from transformers import BartConfig, BartForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput
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

    @functools.wraps(BartForConditionalGeneration.forward)
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As BART's; with `n` times as many targets as sources, each run of targets has all sources, read once.

        Args:
            args: positional arguments of BART's; all others are for keywords only.
            kwargs: keyword arguments of BART's: `input_ids` and `attention_mask` [sources, length] with
                `decoder_input_ids` [n * sources, length].

        Raises:
            ValueError: the number of targets is no multiple of that of sources.
        """
        sources, targets = kwargs.get("input_ids"), kwargs.get("decoder_input_ids")
        read = kwargs.get("encoder_outputs") is not None
        if not read and sources is not None and targets is not None and len(sources) != len(targets):
            kwargs |= self._read_once(sources, kwargs.get("attention_mask"), len(targets))
        return super().forward(*args, **kwargs)

    def _read_once(self, sources: torch.Tensor, mask: torch.Tensor | None, targets: int) -> dict[str, Any]:
        """What takes the place of `sources`: their hidden states and mask, again for each run of targets."""
        if targets % len(sources):
            raise ValueError(f"{targets} targets for {len(sources)} sources; expected as many, or a multiple")
        runs = targets // len(sources)
        states = self.get_encoder()(input_ids=sources, attention_mask=mask).last_hidden_state
        return {
            "input_ids": None,
            "encoder_outputs": BaseModelOutput(last_hidden_state=states.repeat(runs, 1, 1)),
            "attention_mask": None if mask is None else mask.repeat(runs, 1),
        }
