"""Linear layers of 8-bit integers.

On x86 processors with VNNI the product is oneDNN's, with weights laid out as its kernels want them. On others oneDNN
adds up pairs of products in 16 bits, which may overflow, and `torch._int_mm` has no kernel and takes tens of times as
long. There whole numbers are multiplied in float32, as many at a time as have exact sums.
"""

from __future__ import annotations

import functools
import platform

import torch
from torch import Tensor, nn

# What an input of 0 is in unsigned integers.
_ZERO_POINT = 128
# So many products of two numbers of up to 127 add up to less than 2 ** 24, below which float32 has every whole number.
_EXACT_IN_FLOAT32 = 1040


class Int8Linear(nn.Module):
    """A linear layer of 8-bit integers: float32 [rows, in] -> float32 [rows, out].

    Weights are rounded once, with a scale for each output; inputs anew each time, with a scale for each row, so that an
    answer does not depend on what else is in its batch. 127 of a scale is the largest magnitude that it stands for.

    Args:
        layer: in float32.
        outputs: which of its outputs.
    """

    def __init__(self, layer: nn.Linear, outputs: slice = slice(None)) -> None:
        super().__init__()
        weight = layer.weight.detach()[outputs]
        scale = _scale(weight)
        whole = (weight / scale).round().to(torch.int8)
        bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach()[outputs].clone()
        self.out_features = len(weight)
        self.packed = has_packed_products()
        packed = torch.ops.onednn.qlinear_prepack(whole, None) if self.packed else whole.t().contiguous()
        self.weight: Tensor
        self.weight_scale: Tensor
        self.zero_points: Tensor
        self.bias: Tensor
        self.register_buffer("weight", packed, persistent=False)
        self.register_buffer("weight_scale", scale[:, 0].contiguous(), persistent=False)
        self.register_buffer("zero_points", torch.zeros(len(weight), dtype=torch.int64), persistent=False)
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Round, and multiply in integers."""
        return self.multiply(*rounded(inputs))

    def multiply(self, inputs: Tensor, scale: Tensor) -> Tensor:
        """The layer's result for inputs that `rounded` has rounded; products are added up in 32 bits."""
        if not self.packed:
            products = _product_in_float32(inputs, self.weight)
            return torch.addcmul(self.bias, products * scale, self.weight_scale)
        products = torch.ops.onednn.qlinear_pointwise(
            inputs, 1.0, _ZERO_POINT, self.weight, self.weight_scale, self.zero_points, None, 1.0, 0, torch.float32,
            "none", [], "",
        )  # fmt: skip
        return torch.addcmul(self.bias, products, scale)


class Int8Blocks(nn.Module):
    """A layer with many outputs as Int8Linear layers of `block` of them each, the last of what is left."""

    def __init__(self, layer: nn.Linear, block: int) -> None:
        super().__init__()
        self.block = block
        firsts = range(0, layer.out_features, block)
        self.parts = nn.ModuleList(Int8Linear(layer, slice(first, first + block)) for first in firsts)

    @property
    def weight(self) -> Tensor:
        """The first block's."""
        found = self.parts[0].weight
        assert isinstance(found, Tensor), "a buffer"
        return found

    def forward(self, inputs: Tensor) -> Tensor:
        """Of all blocks."""
        whole = rounded(inputs)
        return torch.cat([part.multiply(*whole) for part in self.parts], dim=-1)  # type: ignore[operator]


def _product_in_float32(inputs: Tensor, weight: Tensor) -> Tensor:
    """Whole numbers [rows, in] by int8 [in, out] -> [rows, out], to a rounding of the sums of each part."""
    parts = zip(inputs.split(_EXACT_IN_FLOAT32, dim=1), weight.split(_EXACT_IN_FLOAT32))
    first, *others = (rows @ columns.to(torch.float32) for rows, columns in parts)
    for other in others:
        first += other
    return first


def rounded(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers as products want them [rows, in], and what one step of them stands for in each row [rows, 1]."""
    scale = _scale(inputs)
    whole = (inputs / scale).round_()
    return (whole.add_(_ZERO_POINT).to(torch.uint8) if has_packed_products() else whole), scale


def _scale(rows: Tensor) -> Tensor:
    """What one step of an integer stands for in each row: [rows, in] -> [rows, 1]."""
    return rows.abs().amax(dim=1, keepdim=True).clamp_min_(1e-8) / 127


@functools.cache
def has_packed_products() -> bool:
    """Whether PyTorch has oneDNN's operators for 8-bit integers, and the processor instructions that add up exactly."""
    return (
        platform.machine().lower() in ("x86_64", "amd64")
        and torch.backends.mkldnn.is_available()
        and getattr(torch.cpu, "_is_vnni_supported", bool)()
        and all(hasattr(torch.ops.onednn, operator) for operator in ("qlinear_prepack", "qlinear_pointwise"))
    )
