"""BART as the linking model needs it: layers that may normalise before each block, and generation under a trie.

With normalisation before each block (pre-norm; Xiong et al. 2020, arXiv 2002.04745) a small model trained from scratch
learns faster. The parameters keep BART's names; each stack has a further `layer_norm` at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import dropout
from transformers import BartConfig, BartForConditionalGeneration
from transformers.models.bart.modeling_bart import BartDecoder, BartDecoderLayer, BartEncoder, BartEncoderLayer
from transformers.utils import ModelOutput

from ..search.beam import BeamSearch
from ..types import Hypothesis, Question


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
        own = self.self_attn_layer_norm(hidden_states)
        attended, _ = self.self_attn(own, past_key_values=past_key_values, attention_mask=attention_mask, **kwargs)
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


@dataclass
class AngelGenerateOutput(ModelOutput):
    """What `generate` returns with `return_dict_in_generate=True`; N = batch * num_return_sequences.

    Args:
        sequences: int64 [N, longest]: decoder start, prefix, name, end token, padding.
        sequences_scores: float32 [N]: mean log-probability of the target; -inf where there were fewer names than
            sequences requested. With `output_scores=True`.
        token_logprobs: float32 [N, longest target], 0 after its end. With `output_scores=True`.
        name_indices: int64 [N], the entry of the knowledge base, or -1.
    """

    sequences: torch.Tensor | None = None
    sequences_scores: torch.Tensor | None = None
    token_logprobs: torch.Tensor | None = None
    name_indices: torch.Tensor | None = None


class AngelBart(BartForConditionalGeneration):
    """BART with a language-modelling head; pre-norm where `config.normalize_before` says so.

    `generate` writes names of the trie, which the linking model answers questions about.

    Args:
        config: BART's; one without `normalize_before` means BART as published.
    """

    _no_split_modules = (*BartForConditionalGeneration._no_split_modules, "PreNormEncoderLayer", "PreNormDecoderLayer")

    answer: Callable[..., list[Sequence[Hypothesis]]]

    def __init__(self, config: BartConfig) -> None:
        super().__init__(config)
        if getattr(config, "normalize_before", False):
            self.model.encoder = PreNormEncoder(config)
            self.model.decoder = PreNormDecoder(config)
            self.post_init()
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = getattr(config, "layer_norm_eps", module.eps)

    @torch.no_grad()
    def generate(self, input_ids: torch.Tensor | None = None, constrained: bool = True, **kwargs: Any) -> Any:
        """Generate names under the trie; `processor(mentions)` makes the inputs.

        Args:
            input_ids: int64 [batch, source length].
            constrained: False gives BART's own free generation, with transformers' options.
            kwargs: `attention_mask` [batch, source length], `decoder_input_ids` int64 [batch, prefix length] with
                `decoder_attention_mask`; `num_beams` (10), `num_return_sequences` (1), `length_penalty` (1.0),
                `return_dict_in_generate` and `output_scores`, as in transformers.

        Returns:
            int64 [batch * num_return_sequences, longest], or an AngelGenerateOutput.

        Raises:
            TypeError: an option that a constrained search does not have.
            ValueError: inputs are missing, or more sequences than beams are requested.
        """
        options = {"num_beams": 10, "num_return_sequences": 1, "length_penalty": 1.0} | kwargs
        if not constrained:
            return super().generate(input_ids, **{name: value for name, value in options.items() if value is not None})
        return self._generate(input_ids, **options)

    def _generate(
        self,
        input_ids: torch.Tensor | None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.Tensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        *,
        num_beams: int,
        num_return_sequences: int,
        length_penalty: float,
        return_dict_in_generate: bool = False,
        output_scores: bool = False,
        **unknown: Any,
    ) -> Any:
        if unknown:
            names = ", ".join(unknown)
            raise TypeError(f"constrained generation has no option {names}; pass constrained=False for free generation")
        if input_ids is None or decoder_input_ids is None:
            raise ValueError("expected input_ids and decoder_input_ids; model.processor(mentions) makes them")
        if not 1 <= num_return_sequences <= num_beams:
            raise ValueError(f"expected 1 <= num_return_sequences <= num_beams={num_beams}, got {num_return_sequences}")
        sources, prefixes = _rows(input_ids, attention_mask), _rows(decoder_input_ids, decoder_attention_mask)
        start, search = self.config.decoder_start_token_id, BeamSearch(num_beams, length_penalty)
        questions = [Question(source, [start, *prefix[1:]]) for source, prefix in zip(sources, prefixes)]
        found = self.answer(questions, search, num_return_sequences, max(1, len(prefixes)))
        output = self._pad_output(prefixes, found, num_return_sequences)
        if not output_scores:
            output = AngelGenerateOutput(sequences=output.sequences, name_indices=output.name_indices)
        return output if return_dict_in_generate else output.sequences

    def _pad_output(
        self, prefixes: list[list[int]], found: list[Sequence[Hypothesis]], per_mention: int
    ) -> AngelGenerateOutput:
        nothing = Hypothesis(token_ids=(), score=float("-inf"), token_logprobs=(), name_index=-1)
        chosen = [[*own, *[nothing] * (per_mention - len(own))] for own in found]
        sequences = [torch.tensor([*prefix, *one.token_ids]) for prefix, own in zip(prefixes, chosen) for one in own]
        flat = [one for own in chosen for one in own]
        padded = nn.utils.rnn.pad_sequence
        padding = self.config.pad_token_id
        assert padding is not None, "BART has a padding token"
        return AngelGenerateOutput(
            sequences=padded(sequences, batch_first=True, padding_value=padding).to(self.device),
            sequences_scores=torch.tensor([one.score for one in flat], device=self.device),
            token_logprobs=padded([torch.tensor(one.token_logprobs) for one in flat], batch_first=True).to(self.device),
            name_indices=torch.tensor([one.name_index for one in flat], device=self.device),
        )


def _rows(ids: torch.Tensor, mask: torch.Tensor | None) -> list[list[int]]:
    """The unpadded rows of a padded batch."""
    if mask is None:
        return ids.tolist()
    return [row[kept].tolist() for row, kept in zip(ids, mask.bool())]
