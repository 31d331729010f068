"""Weights of linear layers laid out for fast products, made once and kept.

Laying them out is a copy. The copies live as long as the layers are multiplied that way, take as much memory as the
layers' weights, and are made anew when a weight has changed, or the number of threads that a layout was made for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from angel_hf.inference.packed.products import OneDnnWeight, PackedWeight, packed_type


@dataclass(frozen=True)
class _Packed:
    """Blocks of packed weights, with how the weights looked when they were packed, and views of how they look now."""

    blocks: list[PackedWeight]
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
    """Whether a module is a plain linear layer on a CPU that has products with packed weights of its type."""
    return (
        is_plain(layer)
        and layer.weight.device.type == "cpu"
        and packed_type(layer.weight.dtype, torch.get_num_threads()) is not None
        and layer.weight.is_contiguous()
        and not torch.is_autocast_enabled("cpu")
    )


def rows_multiple(layer: nn.Module) -> int:
    """Of which numbers of rows should be one: where a product runs through a kernel that is compiled for its rows."""
    if layer.weight.device.type != "cpu":
        return 1
    kind = packed_type(layer.weight.dtype, torch.get_num_threads())
    return OneDnnWeight.ROWS_MULTIPLE if kind is None else kind.ROWS_MULTIPLE


def packed(layers: Sequence[nn.Linear], rows_a_block: int | None = None) -> list[PackedWeight]:
    """The weights of layers over the same input, one below the other, packed in blocks of so many rows; one if None.

    A change of a weight is noticed by its version counter, or, since fused optimizers and writes to `.data` pass that
    by, by a sample that has an element in every row (in a matrix with more rows than columns: in all but a few) and,
    where there are no more columns than rows, in every column.

    Args:
        layers: all of which `can_pack`.
        rows_a_block: outputs a block.
    """
    threads = torch.get_num_threads()
    kind = packed_type(layers[0].weight.dtype, threads)
    assert kind is not None, "can_pack has seen to that"
    state: list[object] = [rows_a_block, kind, kind.DEPENDS_ON_THREADS and threads, *map(_state, layers)]
    known = _PACKED.get(layers[0])
    # The state has the addresses of the weights: where these are the same, so is what the views show.
    if known is None or known.state != state or not all(map(torch.equal, known.samples, known.views)):
        views = [_sample(layer) for layer in layers]
        weight = torch.cat([layer.weight for layer in layers]) if len(layers) > 1 else layers[0].weight
        blocks = weight.split(rows_a_block or len(weight))
        known = _Packed(
            blocks=[kind(block) for block in blocks],
            state=state,
            samples=[view.clone() for view in views],
            views=views,
        )
        _PACKED[layers[0]] = known
    return known.blocks


def forget(layer: nn.Module) -> None:
    """Drop the copies of a layer that is multiplied in another way now, such as on a GPU or by an adapter around it."""
    for module in layer.modules():
        _PACKED.pop(module, None)


def _state(layer: nn.Linear) -> tuple[int, int, torch.Size]:
    weight = layer.weight
    return weight.data_ptr(), 0 if weight.is_inference() else weight._version, weight.shape


def _sample(layer: nn.Linear) -> Tensor:
    """The elements on the diagonal, which continues in the first column where it leaves the last."""
    return layer.weight.detach().flatten()[:: layer.in_features + 1]
