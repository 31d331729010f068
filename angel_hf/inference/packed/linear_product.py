"""Linear layers at inference: the fastest exact product that there is for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import GELUActivation

from angel_hf.inference.packed.int8_linear import Int8Linear, rounded
from angel_hf.inference.packed.products import Activation, PackedWeight
from angel_hf.inference.packed.weights import can_pack, forget, packed

# Activations that a product with packed weights applies to its result.
_FUSED: dict[type, Activation] = {GELUActivation: "gelu", nn.ReLU: "relu"}


class LinearProduct:
    """A linear layer and, where there is one, the activation after it.

    Args:
        layer: an `nn.Linear`, or what an adapter put in its place.
        activation: applied to the result.
    """

    def __init__(self, layer: Any, activation: Callable[[Tensor], Tensor] | None = None) -> None:
        self.layer = layer
        self.activation = activation
        self.fused: Activation | None = "none" if activation is None else _FUSED.get(type(activation))
        self.weight: PackedWeight | None = None
        if self.fused and can_pack(layer):
            self.weight = packed([layer])[0]
        else:
            forget(layer)

    def __call__(self, rows: Tensor) -> Tensor:
        """[T, in] -> [T, out]."""
        if self.weight is not None and self.fused is not None:
            return self.weight.product(rows, self.layer.bias, self.fused)
        result = self.layer(rows)
        return result if self.activation is None else self.activation(result)

    def onto(self, summand: Tensor, rows: Tensor) -> Tensor:
        """`summand` [T, out] and the result in one sum."""
        if self.weight is not None and self.activation is None:
            return self.weight.product_onto(rows, self.layer.bias, summand)
        return summand + self(rows)


class JointProduct:
    """Linear layers over the same rows, such as those of query, key and value, in one product.

    Args:
        layers: as for LinearProduct; one that was replaced by an adapter makes all of them go one by one.
    """

    def __init__(self, *layers: Any) -> None:
        self.parts: list[LinearProduct] = []
        # Their inputs are rounded once for all.
        self.whole = layers if all(isinstance(layer, Int8Linear) for layer in layers) else ()
        if self.whole:
            return
        if all(can_pack(layer) and layer.bias is not None for layer in layers):
            self.weight = packed(layers)[0]
            self.bias = torch.cat([layer.bias for layer in layers])
        else:
            self.parts = [LinearProduct(layer) for layer in layers]

    def __call__(self, rows: Tensor) -> Tensor:
        """[T, in] -> [T, sum of out], the layers' results side by side."""
        if self.whole:
            inputs = rounded(rows)
            return torch.cat([layer.multiply(*inputs) for layer in self.whole], dim=-1)
        if self.parts:
            return torch.cat([part(rows) for part in self.parts], dim=-1)
        return self.weight.product(rows, self.bias)
