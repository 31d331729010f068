"""The plain engine: BART's passes for a search in ordinary torch, on any device.

It is the specification that `packed` must agree with, the engine of GPUs, and the one that travels with a saved model.
All mentions and beams of a batch go through each operation together, in blocks that are padded to a fixed shape, so
that nothing is copied between host and device while a batch is on its way. Shapes are given with B mentions, K beams a
mention, S the longest source, W tokens read at once, L cached positions, H heads, D the model's width and h = D / H.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from .engine import Step

# Steps that a cache has room for before it grows.
_STEPS = 8
# Dropping finished mentions copies the caches of the others; it pays where no more than this share is left.
_WORTH_DROPPING = 0.5


@dataclass(frozen=True)
class PlainSources:
    """Encoded sources: `states` [B, S, D], and `mask`, bool [B, 1, 1, S], True where there is a token."""

    states: Tensor
    mask: Tensor

    def select(self, mentions: Sequence[int]) -> PlainSources:
        """Those of some mentions."""
        rows = torch.tensor(mentions, device=self.states.device)
        return PlainSources(self.states[rows], self.mask[rows])


class PlainEngine:
    """The passes of a BART model; its layers are called as they are, adapters included, without dropout.

    Args:
        model: BART with a language-modelling head.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.device: torch.device = model.lm_head.weight.device
        self.vocab_size: int = model.final_logits_bias.shape[-1]
        self.end_token_id: int = model.config.eos_token_id
        self.max_length: int = model.config.max_position_embeddings
        self.normalize_before: bool = getattr(model.config, "normalize_before", False)

    def encode(self, source_ids: Sequence[Sequence[int]]) -> PlainSources:
        """Hidden states of the sources; see `Engine`."""
        encoder = self.model.model.encoder
        ids, lengths = self.padded(source_ids)
        columns = torch.arange(ids.shape[1], device=self.device)
        mask = (columns < lengths[:, None])[:, None, None]
        hidden = self.embed(encoder, ids, columns.expand_as(ids))
        for layer in encoder.layers:
            hidden = self.add(layer.self_attn_layer_norm, hidden, _self_attention(layer.self_attn, mask))
            hidden = self.add(layer.final_layer_norm, hidden, _feed_forward(layer))
        return PlainSources(self.end(encoder, hidden), mask)

    def start(self, sources: PlainSources, prefix_ids: Sequence[Sequence[int]], num_beams: int) -> PlainDecoder:
        """The decoder after the prefixes; see `Engine`."""
        return PlainDecoder(self, sources, prefix_ids, num_beams)

    def padded(self, sequences: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Ids padded on the right [B, longest], and their lengths [B]."""
        lengths = np.array([len(ids) for ids in sequences])
        block = np.zeros((len(lengths), lengths.max()), dtype=np.int64)
        block[np.arange(block.shape[1]) < lengths[:, None]] = [token for ids in sequences for token in ids]
        both = torch.from_numpy(np.column_stack([lengths, block])).to(self.device)
        return both[:, 1:], both[:, 0]

    def embed(self, stack: Any, token_ids: Tensor, positions: Tensor) -> Tensor:
        """Token and position embeddings, normalised: int64 [B, W], int64 [B, W] -> [B, W, D]."""
        table = stack.embed_positions
        # BART's table of positions begins with two unused rows.
        return stack.layernorm_embedding(stack.embed_tokens(token_ids) + table.weight[positions + table.offset])

    def add(self, norm: Any, hidden: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """Add a sublayer to the residual stream, with its norm after the sum, or before the sublayer (pre-norm)."""
        if self.normalize_before:
            return hidden + sublayer(norm(hidden))
        return norm(hidden + sublayer(hidden))

    def end(self, stack: Any, hidden: Tensor) -> Tensor:
        """A stack whose layers normalise before their sublayers has a norm at its end."""
        return stack.layer_norm(hidden) if self.normalize_before else hidden


class PlainDecoder:
    """A batch of mentions on its way through the decoder; see `engine.TreeDecoder`.

    The cache of a mention holds its prefix once and then K positions for every step. A beam attends to the prefix and,
    of each step, to the position of its own ancestor. So beams that move never copy keys or values.

    Args:
        engine: whose model decodes.
        sources: of the mentions.
        prefix_ids: the decoder's input of each mention, start token included.
        num_beams: K.
    """

    def __init__(
        self, engine: PlainEngine, sources: PlainSources, prefix_ids: Sequence[Sequence[int]], num_beams: int
    ) -> None:
        self.engine = engine
        self.num_beams = num_beams
        self.layers = engine.model.model.decoder.layers
        self.source_mask = sources.mask
        self.sources = [_key_value(layer.encoder_attn, sources.states) for layer in self.layers]
        ids, lengths = engine.padded(prefix_ids)
        self.length = 0
        self._cache = torch.zeros(0)
        columns = torch.arange(ids.shape[1], device=engine.device)
        causal = (columns <= columns[:, None])[None, None]
        hidden = self._read(ids, columns.expand_as(ids), causal)
        self.hidden = hidden[torch.arange(len(ids), device=engine.device), lengths - 1]
        # bool [B * K, L]: the cached positions that each slot attends to.
        self.seen = (columns < lengths[:, None]).repeat_interleave(num_beams, dim=0, output_size=len(ids) * num_beams)
        self.positions = lengths
        self._own = torch.eye(num_beams, dtype=torch.bool, device=engine.device)

    def logprobs(self, rows: Tensor, token_ids: Tensor) -> Tensor:
        """Log-probabilities of tokens after live beams, under a softmax over the whole vocabulary."""
        model = self.engine.model
        scores = (model.lm_head(self.hidden) + model.final_logits_bias).float()
        return scores[rows, token_ids] - scores.logsumexp(dim=-1)[rows]

    def step(self, step: Step) -> None:
        """Read the last token of each live beam; slots without a beam read padding that nobody attends to."""
        slots = len(self.positions) * self.num_beams
        token_ids = self.seen.new_zeros(slots, dtype=torch.int64).index_copy(0, step.slot, step.token_id)
        heirs = self.seen.new_zeros(slots, self.length).index_copy(0, step.slot, self.seen[step.parent_slot])
        self.seen = torch.cat([heirs, self._own.repeat(len(self.positions), 1)], dim=1)
        positions = self.positions[:, None].expand(-1, self.num_beams)
        mask = self.seen.unflatten(0, (-1, self.num_beams))[:, None]
        hidden = self._read(token_ids.view_as(positions), positions, mask)
        self.positions = self.positions + 1
        self.hidden = hidden.flatten(0, 1)[step.slot]

    def step_tree(
        self, token_ids: np.ndarray, mentions: np.ndarray, positions: np.ndarray, seen: Sequence[Sequence[int]]
    ) -> None:
        """Read tokens of any branches in one pass; see `engine.TreeDecoder`."""
        columns = np.arange(len(mentions)) - np.searchsorted(mentions, mentions)
        shape = len(self.positions), int(columns.max()) + 1
        block = np.zeros((2, *shape), dtype=np.int64)
        block[:, mentions, columns] = token_ids, positions
        mask = np.zeros((*shape, self.length + shape[1]), dtype=bool)
        mask[:, :, 0] = True  # padding attends to something, so that its result is a number
        for mention, column, own in zip(mentions.tolist(), columns.tolist(), seen):
            mask[mention, column] = False
            mask[mention, column, list(own)] = True
        device = self.engine.device
        ids, places = torch.from_numpy(block).to(device)
        hidden = self._read(ids, places, torch.from_numpy(mask).to(device)[:, None])
        self.hidden = hidden.flatten(0, 1)[torch.from_numpy(mentions * shape[1] + columns).to(device)]

    def keep(self, mentions: Tensor, rows: int) -> Tensor | None:
        """Drop the others once they are half of all; see `engine.Decoder`."""
        if len(mentions) > _WORTH_DROPPING * len(self.positions):
            return None
        self.sources = [(keys[mentions], values[mentions]) for keys, values in self.sources]
        self._cache = self._cache[:, :, mentions]
        self.source_mask, self.positions = self.source_mask[mentions], self.positions[mentions]
        self.seen = self.seen.unflatten(0, (-1, self.num_beams))[mentions].flatten(0, 1)
        return mentions

    def close(self) -> None:
        """Free the caches."""
        self._cache, self.sources = torch.zeros(0), []

    def _read(self, token_ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Read W tokens of each mention and cache them: int64 [B, W] -> hidden states [B, W, D].

        Args:
            token_ids: the tokens.
            positions: int64 [B, W], of the tokens in the target.
            mask: bool [B or 1, 1, W, L], the cached positions that each attends to, those of these tokens included.
        """
        engine, first = self.engine, self.length
        self.length += token_ids.shape[1]
        hidden = engine.embed(engine.model.model.decoder, token_ids, positions)
        if self._cache.numel() == 0 or self.length > self._cache.shape[4]:
            self._grow(hidden)
        for depth, layer in enumerate(self.layers):
            cache = self._cache[depth, :, :, :, : self.length]
            hidden = engine.add(
                layer.self_attn_layer_norm, hidden, _cached_attention(layer.self_attn, cache, first, mask)
            )
            source = _attention(layer.encoder_attn, *self.sources[depth], self.source_mask)
            hidden = engine.add(layer.encoder_attn_layer_norm, hidden, source)
            hidden = engine.add(layer.final_layer_norm, hidden, _feed_forward(layer))
        return engine.end(engine.model.model.decoder, hidden)

    def _grow(self, like: Tensor) -> None:
        """Make room for more steps: the cache is [layers, 2 (key, value), B, H, capacity, h]."""
        capacity = self.length + _STEPS * self.num_beams
        if self._cache.numel():
            self._cache = pad(self._cache, (0, 0, 0, capacity - self._cache.shape[4]))
        else:
            _, heads, _, width = self.sources[0][0].shape
            self._cache = like.new_zeros(len(self.layers), 2, len(like), heads, capacity, width)


def _heads(attention: Any, rows: Tensor) -> Tensor:
    """[B, W, D] -> [B, H, W, h]."""
    return rows.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)


def _key_value(attention: Any, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values of rows [B, W, D]: each [B, H, W, h]."""
    return _heads(attention, attention.k_proj(rows)), _heads(attention, attention.v_proj(rows))


def _attention(attention: Any, keys: Tensor, values: Tensor, mask: Tensor) -> Callable[[Tensor], Tensor]:
    """Attention of rows [B, W, D] to keys and values [B, H, L, h], where a bool mask is True."""

    def attend(rows: Tensor) -> Tensor:
        query = _heads(attention, attention.q_proj(rows))
        attended = scaled_dot_product_attention(query, keys, values, attn_mask=mask)
        return attention.out_proj(attended.transpose(1, 2).flatten(2))

    return attend


def _self_attention(attention: Any, mask: Tensor) -> Callable[[Tensor], Tensor]:
    """Attention of rows to one another."""
    return lambda rows: _attention(attention, *_key_value(attention, rows), mask)(rows)


def _cached_attention(attention: Any, cache: Tensor, first: int, mask: Tensor) -> Callable[[Tensor], Tensor]:
    """Attention of rows to a cache [2, B, H, L, h], into which their own keys and values go from `first` on."""

    def attend(rows: Tensor) -> Tensor:
        cache[0, :, :, first:], cache[1, :, :, first:] = _key_value(attention, rows)
        return _attention(attention, cache[0], cache[1], mask)(rows)

    return attend


def _feed_forward(layer: Any) -> Callable[[Tensor], Tensor]:
    return lambda rows: layer.fc2(layer.activation_fn(layer.fc1(rows)))
