"""Weights in bfloat16 or in 8-bit integers: less exact, and faster on processors that have instructions for these."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor, nn

from angel_hf.modeling_angel import AngelForEntityLinking

Precision = Literal["bfloat16", "int8"]


class Int8Linear(nn.Module):
    """A linear layer of 8-bit integers: float32 [rows, in] -> float32 [rows, out].

    Weights are rounded once, with a scale for each output; inputs anew each time, with a scale for each row, so that an
    answer does not depend on what else is in its batch. 127 of a scale is the largest magnitude that it stands for.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = layer.weight.detach()
        scale = _scale(weight)
        self.weight: Tensor
        self.weight_scale: Tensor
        self.bias: Tensor
        self.register_buffer("weight", (weight / scale).round().to(torch.int8).t().contiguous(), persistent=False)
        self.register_buffer("weight_scale", scale[:, 0], persistent=False)
        bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach()
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Multiply in integers; products are added up in 32 bits."""
        scale = _scale(inputs)
        # What torchao's dynamic quantisation calls too, which took more time than it saved here.
        products = torch._int_mm((inputs / scale).round_().to(torch.int8), self.weight)
        return torch.addcmul(self.bias, products * scale, self.weight_scale)


def _scale(rows: Tensor) -> Tensor:
    """What one step of an integer stands for in each row: [rows, in] -> [rows, 1]."""
    return rows.abs().amax(dim=1, keepdim=True).clamp_min_(1e-8) / 127


def in_low_precision(model: AngelForEntityLinking, precision: Precision) -> AngelForEntityLinking:
    """A view of a model with less exact weights, to link with and not to train or to save.

    Args:
        model: in float32, on a CPU; it stays as it is, and the view shares its names, trie and processor.
        precision: "bfloat16" for all of the model, as `from_pretrained(..., dtype=torch.bfloat16)` loads it; "int8" for
            the linear layers of encoder and decoder, the rest, with the projection to the vocabulary, in float32. The
            softmax over the vocabulary is taken in float32 in either.

    Raises:
        ValueError: an unknown precision, or a model that is not in float32 or not on a CPU.
    """
    if precision not in ("bfloat16", "int8"):
        raise ValueError(f"precision {precision!r}; expected one of bfloat16, int8")
    if (model.dtype, model.device.type) != (torch.float32, "cpu"):
        raise ValueError(f"a model of {model.dtype} on {model.device}; expected one in float32 on a CPU")
    names = (model.processor, model.knowledge_base, model.trie, model.confidence)
    if precision == "bfloat16":
        return copy.deepcopy(model, {id(one): one for one in names}).to(torch.bfloat16)
    # The modules are copied, and what they hold is shared.
    view = copy.deepcopy(model, {id(one): one for one in (*names, *model.parameters(), *model.buffers())})
    for stack in (view.model.encoder, view.model.decoder):
        for module in list(stack.modules()):
            for name, layer in list(module.named_children()):
                if type(layer) is nn.Linear:  # an adapter's stays as it is
                    setattr(module, name, Int8Linear(layer))
    return view
