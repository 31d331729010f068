"""The layers of BART at inference, on batches without padding.

Linear layers see one matrix of all rows; only attention looks at the mentions one by one. Shapes are given with
T tokens in all, B mentions, R rows, H heads, D the model's width and h = D / H.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from angel_hf.inference.packed.linear_product import JointProduct, LinearProduct
from angel_hf.inference.packed.row_blocks import RowBlocks


class Residual:
    """One step of the residual stream: a sublayer's result is added to what goes into it.

    Here alone is where layer norms stand: after the sum as in BART, or before the sublayer (pre-norm).

    Args:
        norm: the layer norm.
        normalize_before: whether it stands before the sublayer.
    """

    def __init__(self, norm: Callable[[Tensor], Tensor], normalize_before: bool) -> None:
        self.norm = norm
        self.normalize_before = normalize_before

    def __call__(self, hidden: Tensor, sublayer: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """[T, D] -> [T, D]; the sublayer takes the rows that it reads, and those that it adds its result to."""
        if self.normalize_before:
            return sublayer(self.norm(hidden), hidden)
        return self.norm(sublayer(hidden, hidden))


class FeedForward:
    """The two linear layers of an encoder or decoder layer."""

    def __init__(self, layer: Any) -> None:
        self.up = LinearProduct(layer.fc1, layer.activation_fn)
        self.down = LinearProduct(layer.fc2)

    def __call__(self, rows: Tensor, onto: Tensor) -> Tensor:
        """[T, D], [T, D] -> [T, D]."""
        return self.down.onto(onto, self.up(rows))


class EncoderLayer:
    """Self-attention within each source, and feed-forward."""

    def __init__(self, layer: Any, heads: int, normalize_before: bool) -> None:
        attention = layer.self_attn
        self.heads = heads
        self.query_key_value = JointProduct(attention.q_proj, attention.k_proj, attention.v_proj)
        self.output = LinearProduct(attention.out_proj)
        self.attention_step = Residual(layer.self_attn_layer_norm, normalize_before)
        self.feed_forward = FeedForward(layer)
        self.feed_forward_step = Residual(layer.final_layer_norm, normalize_before)

    def __call__(self, hidden: Tensor, runs: list[tuple[int, int]]) -> Tensor:
        """[T, D] -> [T, D]; `runs` are neighbours of equal length as (count, length)."""

        def attend(rows: Tensor, onto: Tensor) -> Tensor:
            return self.output.onto(onto, self._attend(self.query_key_value(rows), runs))

        hidden = self.attention_step(hidden, attend)
        return self.feed_forward_step(hidden, self.feed_forward)

    def _attend(self, joint: Tensor, runs: list[tuple[int, int]]) -> Tensor:
        """Attention within each sequence: query, key and value side by side [T, 3 D] -> [T, D]."""
        attended = []
        for part, (count, length) in zip(joint.split([count * length for count, length in runs]), runs):
            query, key, value = part.view(count, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            attended.append(scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2).flatten(0, 1))
        return torch.cat(attended) if len(attended) > 1 else attended[0]


@dataclass(frozen=True)
class DecoderPass:
    """What all layers have in common when the decoder reads rows.

    Attributes:
        blocks: where the rows stand among the mentions.
        region: the cached positions that the rows' keys and values get.
        mask: [B, 1, width, end of region], or None where rows see what stands before them in their own block.
        source_mask: as in DecoderState.
    """

    blocks: RowBlocks
    region: slice
    mask: Tensor | None
    source_mask: Tensor | None


class DecoderLayer:
    """Self-attention to a beam's past, attention to its source, and feed-forward."""

    def __init__(self, layer: Any, heads: int, normalize_before: bool) -> None:
        own, source = layer.self_attn, layer.encoder_attn
        self.heads = heads
        self.query_key_value = JointProduct(own.q_proj, own.k_proj, own.v_proj)
        self.output = LinearProduct(own.out_proj)
        self.attention_step = Residual(layer.self_attn_layer_norm, normalize_before)
        self.source_query = LinearProduct(source.q_proj)
        self.source_key_value = JointProduct(source.k_proj, source.v_proj)
        self.source_output = LinearProduct(source.out_proj)
        self.source_step = Residual(layer.encoder_attn_layer_norm, normalize_before)
        self.feed_forward = FeedForward(layer)
        self.feed_forward_step = Residual(layer.final_layer_norm, normalize_before)

    def __call__(self, hidden: Tensor, targets: Tensor, sources: Tensor, common: DecoderPass) -> Tensor:
        """Read rows.

        Args:
            hidden: [R, D].
            targets: the layer's cache of its own keys and values [B, capacity, 2, H, h]; written to.
            sources: keys and values of the sources [B, longest source, 2, H, h].
            common: the rest.

        Returns:
            [R, D].
        """

        def attend(rows: Tensor, onto: Tensor) -> Tensor:
            joint = self.query_key_value(rows).view(len(rows), 3, self.heads, -1)
            common.blocks.write(targets[:, common.region], joint[:, 1:])
            past = targets[:, : common.region.stop]
            attended = _attend(joint[:, 0], past, common.mask, common.blocks, is_causal=common.mask is None)
            return self.output.onto(onto, attended)

        def attend_source(rows: Tensor, onto: Tensor) -> Tensor:
            query = self.source_query(rows).view(len(rows), self.heads, -1)
            return self.source_output.onto(onto, _attend(query, sources, common.source_mask, common.blocks))

        hidden = self.attention_step(hidden, attend)
        hidden = self.source_step(hidden, attend_source)
        return self.feed_forward_step(hidden, self.feed_forward)


def _attend(query: Tensor, cache: Tensor, mask: Tensor | None, blocks: RowBlocks, is_causal: bool = False) -> Tensor:
    """Attention of rows [R, H, h] to their mentions' keys and values [B, length, 2, H, h]: [R, D]."""
    key, value = cache.permute(2, 0, 3, 1, 4)
    block = blocks.spread(query).transpose(1, 2)
    attended = scaled_dot_product_attention(block, key, value, attn_mask=mask, is_causal=is_causal)
    return blocks.gather(attended.transpose(1, 2)).flatten(1)
