"""Weights of linear layers as oneDNN's products read them, in float32 or bfloat16, made once and kept.

For float32 on x86 CPUs PyTorch's linear layers use MKL, which on AMD's processors leaves half of the vector width
unused; oneDNN, which comes with PyTorch too, uses all of it, and is faster still for few rows when the weights lie in
blocks as its kernels want them. Laying them out is a copy. The copies live as long as the layers, take as much memory
as the layers' weights, and are made anew when a weight has changed.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from angel_hf.bfloat16 import has_bfloat16

# The layout is made for about so many rows; but for a single one it serves any number well.
_ROWS = 64


@dataclass(frozen=True)
class _Packed:
    """Blocks of packed weights, with how the weights looked when they were packed, and views of how they look now."""

    blocks: list[Tensor]
    state: list[object]
    samples: list[Tensor]
    views: list[Tensor]


_PACKED: WeakKeyDictionary[nn.Module, _Packed] = WeakKeyDictionary()


def is_plain(layer: nn.Module) -> bool:
    """Whether a module is a linear layer and nothing else; others offload, quantise or adapt in one of these places."""
    return (
        type(layer) is nn.Linear
        and type(layer.weight) is nn.Parameter
        and not (layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer))
    )


def can_pack(layer: nn.Module) -> bool:
    """Whether a module is a plain linear layer in float32 or bfloat16, on a CPU that has oneDNN's products for it."""
    return (
        is_plain(layer)
        and layer.weight.device.type == "cpu"
        and _has_products(layer.weight.dtype)
        and layer.weight.is_contiguous()
        and not torch.is_autocast_enabled("cpu")
    )


def packed(layers: Sequence[nn.Linear], rows_a_block: int | None = None) -> list[Tensor]:
    """The weights of layers over the same input, one below the other, packed in blocks of so many rows; one if None.

    A change of a weight is noticed by its version counter, or, since fused optimizers and writes to `.data` pass that
    by, by a sample that has an element in every row (in a matrix with more rows than columns: in all but a few) and,
    where there are no more columns than rows, in every column.

    Args:
        layers: all of which `can_pack`.
        rows_a_block: outputs a block.
    """
    state: list[object] = [rows_a_block, *map(_state, layers)]
    known = _PACKED.get(layers[0])
    # The state has the addresses of the weights: where these are the same, so is what the views show.
    if known is None or known.state != state or not all(map(torch.equal, known.samples, known.views)):
        views = [_sample(layer) for layer in layers]
        weight = torch.cat([layer.weight for layer in layers]) if len(layers) > 1 else layers[0].weight
        blocks = weight.split(rows_a_block or len(weight))
        known = _Packed(
            blocks=[torch.ops.mkldnn._reorder_linear_weight(block.detach(), _ROWS) for block in blocks],
            state=state,
            samples=[view.clone() for view in views],
            views=views,
        )
        _PACKED[layers[0]] = known
    return known.blocks


def product(rows: Tensor, weight: Tensor, bias: Tensor | None, activation: str = "none") -> Tensor:
    """The activation, "none", "relu" or "gelu", of rows @ weight.T + bias, with a packed weight."""
    return torch.ops.mkldnn._linear_pointwise(
        rows, weight, bias, activation, [], "none" if activation == "gelu" else ""
    )


def product_onto(rows: Tensor, weight: Tensor, bias: Tensor | None, summand: Tensor) -> Tensor:
    """`summand` + rows @ weight.T + bias with a packed weight."""
    return torch.ops.mkldnn._linear_pointwise.binary(rows, summand, weight, bias, "add")


def _state(layer: nn.Linear) -> tuple[int, int, torch.Size]:
    weight = layer.weight
    return weight.data_ptr(), 0 if weight.is_inference() else weight._version, weight.shape


def _sample(layer: nn.Linear) -> Tensor:
    """The elements on the diagonal, which goes on in the first column where it leaves the last."""
    return layer.weight.detach().flatten()[:: layer.in_features + 1]


@functools.cache
def _has_products(dtype: torch.dtype) -> bool:
    """Whether PyTorch has the operators, which its own compiler uses, for this type of numbers and this machine."""
    operators = ("_linear_pointwise", "_reorder_linear_weight")
    types = [torch.float32] + [torch.bfloat16] * has_bfloat16("cpu")
    return (
        dtype in types
        and platform.machine().lower() in ("x86_64", "amd64")
        and torch.backends.mkldnn.is_available()
        and all(hasattr(torch.ops.mkldnn, operator) for operator in operators)
    )
