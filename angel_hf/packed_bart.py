"""BART's forward pass for inference on batches without padding.

Linear layers see one matrix of all tokens of all sequences; only attention looks at the sequences one
by one. The encoder runs once a mention, and so do the cross-attention keys and values, however many
beams read them. Shapes are given with T tokens in all, B mentions, R rows (live beams), H heads, K beams a
mention, D the model's width and h = D / H.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence
from transformers import BartForConditionalGeneration


@dataclass
class DecoderState:
    """What the decoder remembers of B mentions between steps; changed in place.

    The self-attention cache of a mention holds its prefix once and then K slots for every step. A beam sees
    the prefix and, of each step, the slot of its own ancestor: `seen` tells which. So beams that move
    never copy keys or values.

    Attributes:
        cross_keys, cross_values: for each layer [B, H, longest source, h].
        cross_mask: [B, 1, 1, longest source], 0 where there is a token and -inf elsewhere.
        self_keys, self_values: for each layer [B, H, capacity, h].
        seen: bool [B * K, capacity], the cached positions that each slot attends to.
        length: cached positions in use.
        positions: int64 [B], the position of each mention's next token.
    """

    num_beams: int
    cross_keys: list[Tensor]
    cross_values: list[Tensor]
    cross_mask: Tensor
    self_keys: list[Tensor]
    self_values: list[Tensor]
    seen: Tensor
    length: int
    positions: Tensor

    def keep(self, mentions: Tensor) -> None:
        """Forget all but the given mentions (int64 [n], ascending)."""
        for tensors in (self.cross_keys, self.cross_values, self.self_keys, self.self_values):
            tensors[:] = [tensor[mentions] for tensor in tensors]
        self.cross_mask = self.cross_mask[mentions]
        self.positions = self.positions[mentions]
        self.seen = self.seen.view(-1, self.num_beams, self.seen.shape[1])[mentions].flatten(0, 1)

    def advance(self, slots: Tensor, parent_slots: Tensor) -> int:
        """Open K slots for one more step, with `slots` (int64 [R]) the heirs of `parent_slots`.

        Returns:
            The cached position of slot 0 of each mention.
        """
        first = self.length
        self.length += self.num_beams
        if self.length > self.seen.shape[1]:
            self._grow(2 * self.length)
        seen = torch.zeros_like(self.seen)
        seen[slots] = self.seen[parent_slots]
        seen[slots, first + slots % self.num_beams] = True
        self.seen = seen
        self.positions = self.positions + 1
        return first

    def _grow(self, capacity: int) -> None:
        for tensors in (self.self_keys, self.self_values):
            tensors[:] = [_widen(tensor, 2, capacity) for tensor in tensors]
        self.seen = _widen(self.seen, 1, capacity)


class PackedBart:
    """The inference passes of a BART model, through the model's own modules, adapters included.

    Args:
        model: BART with a language-modelling head, in evaluation mode.
    """

    def __init__(self, model: BartForConditionalGeneration) -> None:
        self.encoder = model.model.encoder
        self.decoder = model.model.decoder
        self.lm_head = model.lm_head
        self.logits_bias: Tensor = model.final_logits_bias
        self.normalize_before: bool = getattr(model.config, "normalize_before", False)
        self.heads: int = model.config.decoder_attention_heads
        self.encoder_heads: int = model.config.encoder_attention_heads

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where ids must be."""
        return self.lm_head.weight.device

    def encode(self, encoder_ids: Sequence[Sequence[int]]) -> list[Tensor]:
        """Last hidden states of each source, [its length, D]."""
        lengths = [len(ids) for ids in encoder_ids]
        hidden = _embed(self.encoder, _flat(encoder_ids, self.device), _positions(lengths, self.device))
        runs = _runs(lengths)
        for layer in _layers(self.encoder):
            attention, before = layer.self_attn, self._before(layer.self_attn_layer_norm, hidden)
            query, key, value = attention.q_proj(before), attention.k_proj(before), attention.v_proj(before)
            attended = _attend_packed(query, key, value, runs, self.encoder_heads)
            hidden = self._after(layer.self_attn_layer_norm, hidden + attention.out_proj(attended))
            hidden = self._feed_forward(layer, hidden)
        return list(self._end(self.encoder, hidden).split(lengths))

    def start(
        self, sources: list[Tensor], prefix_ids: Sequence[Sequence[int]], num_beams: int
    ) -> tuple[DecoderState, Tensor]:
        """Run the decoder over the prefixes.

        Args:
            sources: what `encode` returned.
            prefix_ids: the decoder's input of each mention, start token included.
            num_beams: slots to keep for each mention.

        Returns:
            The state, and the hidden state after each prefix [B, D].
        """
        lengths = [len(ids) for ids in prefix_ids]
        state = self._state(sources, lengths, num_beams)
        positions = _positions(lengths, self.device)
        hidden = _embed(self.decoder, _flat(prefix_ids, self.device), positions)
        mentions = torch.repeat_interleave(torch.tensor(lengths, device=self.device))
        blocks = _Blocks(mentions, positions, len(lengths), max(lengths), self.heads)
        for depth, layer in enumerate(_layers(self.decoder)):
            attention, before = layer.self_attn, self._before(layer.self_attn_layer_norm, hidden)
            query = blocks.spread(attention.q_proj(before))
            key, value = state.self_keys[depth], state.self_values[depth]
            blocks.write(key, 0, attention.k_proj(before))
            blocks.write(value, 0, attention.v_proj(before))
            attended = scaled_dot_product_attention(
                query, key[:, :, : state.length], value[:, :, : state.length], is_causal=True
            )
            hidden = self._after(layer.self_attn_layer_norm, hidden + attention.out_proj(blocks.gather(attended)))
            hidden = self._read_source(layer, depth, state, hidden, blocks)
        last = torch.tensor(lengths, device=self.device).cumsum(0) - 1
        return state, self._end(self.decoder, hidden[last])

    def step(self, state: DecoderState, token_ids: Tensor, slots: Tensor, parent_slots: Tensor) -> Tensor:
        """Feed one token to each live beam.

        Args:
            state: changed in place.
            token_ids: int64 [R].
            slots: int64 [R], ascending; beam k of mention b is slot b * K + k.
            parent_slots: int64 [R], the slot whose history each beam continues.

        Returns:
            Hidden states [R, D].
        """
        mentions, beams = slots // state.num_beams, slots % state.num_beams
        hidden = _embed(self.decoder, token_ids, state.positions[mentions])
        first = state.advance(slots, parent_slots)
        blocks = _Blocks(mentions, beams, len(state.positions), int(beams.max()) + 1, self.heads)
        seen = state.seen[:, : state.length].view(-1, 1, state.num_beams, state.length)
        mask = _additive(seen[:, :, : blocks.width], hidden.dtype)
        for depth, layer in enumerate(_layers(self.decoder)):
            attention, before = layer.self_attn, self._before(layer.self_attn_layer_norm, hidden)
            query = blocks.spread(attention.q_proj(before))
            key, value = state.self_keys[depth], state.self_values[depth]
            blocks.write(key, first, attention.k_proj(before))
            blocks.write(value, first, attention.v_proj(before))
            attended = scaled_dot_product_attention(
                query, key[:, :, : state.length], value[:, :, : state.length], attn_mask=mask
            )
            hidden = self._after(layer.self_attn_layer_norm, hidden + attention.out_proj(blocks.gather(attended)))
            hidden = self._read_source(layer, depth, state, hidden, blocks)
        return self._end(self.decoder, hidden)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the whole vocabulary in float32: [R, D] -> [R, vocabulary]."""
        if type(self.lm_head) is nn.Linear:
            return linear(hidden, self.lm_head.weight, self.logits_bias[0].to(hidden.dtype)).float()
        # An adapter of the head is in the module and not in its weight.
        return (self.lm_head(hidden) + self.logits_bias[0].to(hidden.dtype)).float()

    def _state(self, sources: list[Tensor], prefix_lengths: list[int], num_beams: int) -> DecoderState:
        packed = torch.cat(sources)
        lengths = [len(source) for source in sources]

        def project(projection: nn.Module) -> Tensor:
            padded = pad_sequence(list(projection(packed).split(lengths)), batch_first=True)
            return padded.view(*padded.shape[:2], self.heads, -1).transpose(1, 2)

        layers = _layers(self.decoder)
        longest = max(prefix_lengths)
        shape = (len(sources), self.heads, longest + 8 * num_beams, packed.shape[1] // self.heads)
        before = _within(prefix_lengths, self.device)
        return DecoderState(
            num_beams=num_beams,
            cross_keys=[project(layer.encoder_attn.k_proj) for layer in layers],
            cross_values=[project(layer.encoder_attn.v_proj) for layer in layers],
            cross_mask=_additive(_within(lengths, self.device)[:, None, None], packed.dtype),
            self_keys=[packed.new_zeros(shape) for _ in layers],
            self_values=[packed.new_zeros(shape) for _ in layers],
            seen=_widen(before.repeat_interleave(num_beams, 0), 1, shape[2]),
            length=longest,
            positions=torch.tensor(prefix_lengths, device=self.device),
        )

    def _read_source(self, layer: Any, depth: int, state: DecoderState, hidden: Tensor, blocks: _Blocks) -> Tensor:
        """Cross-attention and feed-forward of a layer; `hidden` is [R, D]."""
        attention, before = layer.encoder_attn, self._before(layer.encoder_attn_layer_norm, hidden)
        query = blocks.spread(attention.q_proj(before))
        attended = scaled_dot_product_attention(
            query, state.cross_keys[depth], state.cross_values[depth], attn_mask=state.cross_mask
        )
        hidden = self._after(layer.encoder_attn_layer_norm, hidden + attention.out_proj(blocks.gather(attended)))
        return self._feed_forward(layer, hidden)

    def _feed_forward(self, layer: Any, hidden: Tensor) -> Tensor:
        before = self._before(layer.final_layer_norm, hidden)
        return self._after(layer.final_layer_norm, hidden + layer.fc2(layer.activation_fn(layer.fc1(before))))

    # Layer normalisation stands before each block, and once more at the end of the stack, or after each block.

    def _before(self, layer_norm: nn.Module, hidden: Tensor) -> Tensor:
        return layer_norm(hidden) if self.normalize_before else hidden

    def _after(self, layer_norm: nn.Module, hidden: Tensor) -> Tensor:
        return hidden if self.normalize_before else layer_norm(hidden)

    def _end(self, stack: Any, hidden: Tensor) -> Tensor:
        return stack.layer_norm(hidden) if self.normalize_before else hidden


class _Blocks:
    """Packed rows and the padded block a mention that attention wants.

    Where no row is missing, as at batch 1 and once all beams live, one is a view of the other.

    Args:
        mentions, columns: int64 [R], the place of each row, in ascending order.
        count: B.
        width: more than the largest column.
        heads: H.
    """

    def __init__(self, mentions: Tensor, columns: Tensor, count: int, width: int, heads: int) -> None:
        self.mentions = mentions
        self.columns = columns
        self.count = count
        self.width = width
        self.heads = heads
        self.full = len(mentions) == count * width

    def spread(self, rows: Tensor) -> Tensor:
        """[R, D] -> [B, H, width, h], zero where there is no row."""
        if self.full:
            block = rows.view(self.count, self.width, -1)
        else:
            block = rows.new_zeros(self.count, self.width, rows.shape[1])
            block[self.mentions, self.columns] = rows
        return block.view(self.count, self.width, self.heads, -1).transpose(1, 2)

    def gather(self, block: Tensor) -> Tensor:
        """The inverse: [B, H, width, h] -> [R, D]."""
        if self.full:
            return block.transpose(1, 2).reshape(len(self.mentions), -1)
        return block.transpose(1, 2)[self.mentions, self.columns].flatten(1)

    def write(self, cache: Tensor, first: int, rows: Tensor) -> None:
        """Put rows [R, D] into a cache [B, H, capacity, h], column 0 at position `first`."""
        if self.full:
            cache[:, :, first : first + self.width] = self.spread(rows)
        else:
            cache[self.mentions, :, first + self.columns] = rows.view(len(rows), self.heads, -1)


def _attend_packed(query: Tensor, key: Tensor, value: Tensor, runs: list[tuple[int, int]], heads: int) -> Tensor:
    """Attention within each sequence: [T, D] -> [T, D]; neighbours of equal length go together."""
    attended = []
    first = 0
    for count, length in runs:
        last = first + count * length
        q, k, v = (rows[first:last].view(count, length, heads, -1).transpose(1, 2) for rows in (query, key, value))
        attended.append(scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(count * length, -1))
        first = last
    return torch.cat(attended)


def _embed(stack: Any, token_ids: Tensor, positions: Tensor) -> Tensor:
    """Token and position embeddings, normalised: int64 [T], int64 [T] -> [T, D]."""
    # BART's table of positions begins with two unused rows.
    table = stack.embed_positions
    return stack.layernorm_embedding(stack.embed_tokens(token_ids) + table.weight[positions + table.offset])


def _layers(stack: Any) -> list[Any]:
    """The layers of an encoder or decoder; modules are untyped, since what torch declares of them is too wide."""
    return list(stack.layers)


def _flat(sequences: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    return torch.tensor([token for ids in sequences for token in ids], device=device)


def _positions(lengths: list[int], device: torch.device) -> Tensor:
    return torch.cat([torch.arange(length, device=device) for length in lengths])


def _within(lengths: list[int], device: torch.device) -> Tensor:
    """True in the first `length` places of each row, bool [n, longest]."""
    return torch.arange(max(lengths), device=device) < torch.tensor(lengths, device=device)[:, None]


def _additive(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where True and -inf elsewhere; made once, where attention would make it in every layer."""
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, float("-inf"))


def _runs(lengths: list[int]) -> list[tuple[int, int]]:
    """Neighbours of equal length as (count, length)."""
    runs: list[tuple[int, int]] = []
    for length in lengths:
        if runs and runs[-1][1] == length:
            runs[-1] = (runs[-1][0] + 1, length)
        else:
            runs.append((1, length))
    return runs


def _widen(tensor: Tensor, dimension: int, size: int) -> Tensor:
    """The tensor with zeros appended along a dimension up to `size`."""
    shape = list(tensor.shape)
    shape[dimension] = size
    wider = tensor.new_zeros(shape)
    wider.narrow(dimension, 0, tensor.shape[dimension]).copy_(tensor)
    return wider
