"""Weights laid out once for many products, by the libraries that come with PyTorch and numpy for x86 processors.

PyTorch's own linear layers give MKL the weights as they are, and it lays them out anew for every product; on AMD's
processors with AVX-512 it leaves half of the vector width unused besides. MKL and oneDNN, the other library of PyTorch,
have products with a weight that was laid out before, which PyTorch's compiler uses. Where an AMD processor has AVX2
only, numpy's OpenBLAS is faster than both, if it gets the weight transposed.
"""

from __future__ import annotations

import functools
import platform
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from angel_hf.inference.bfloat16 import has_bfloat16
from angel_hf.inference.packed.numpy_blas import has_avx2_openblas

Activation = Literal["none", "relu", "gelu"]

_IN_PLACE: dict[Activation, Callable[[Tensor], Tensor]] = {
    "none": lambda result: result,
    "relu": torch.relu_,
    "gelu": torch.ops.aten.gelu_,
}


class OneDnnWeight:
    """A weight [out, in] in float32 or bfloat16, as oneDNN's kernels read it.

    Args:
        weight: is copied.
    """

    DEPENDS_ON_THREADS = False
    # It compiles a kernel for every number of rows that it meets and keeps a thousand of them; round numbers are few.
    ROWS_MULTIPLE = 8
    # The layout is made for about so many rows; but for a single one it serves any number well.
    _ROWS = 64

    def __init__(self, weight: Tensor) -> None:
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), self._ROWS)

    def product(self, rows: Tensor, bias: Tensor | None, activation: Activation = "none") -> Tensor:
        """The activation of rows @ weight.T + bias: [T, in] -> [T, out]."""
        algorithm = "none" if activation == "gelu" else ""
        return torch.ops.mkldnn._linear_pointwise(rows, self.weight, bias, activation, [], algorithm)

    def product_onto(self, rows: Tensor, bias: Tensor | None, summand: Tensor) -> Tensor:
        """`summand` [T, out] + rows @ weight.T + bias."""
        return torch.ops.mkldnn._linear_pointwise.binary(rows, summand, self.weight, bias, "add")


class _Unfused(ABC):
    """A weight whose products leave the activation and the sum to passes of their own."""

    ROWS_MULTIPLE = 1

    @abstractmethod
    def multiply(self, rows: Tensor, bias: Tensor | None) -> Tensor:
        """The rows @ weight.T + bias: [T, in] -> [T, out], in memory of its own."""

    def product(self, rows: Tensor, bias: Tensor | None, activation: Activation = "none") -> Tensor:
        """The activation of rows @ weight.T + bias: [T, in] -> [T, out]."""
        return _IN_PLACE[activation](self.multiply(rows, bias))

    def product_onto(self, rows: Tensor, bias: Tensor | None, summand: Tensor) -> Tensor:
        """`summand` [T, out] + rows @ weight.T + bias."""
        return self.multiply(rows, bias).add_(summand)


class MklWeight(_Unfused):
    """A weight [out, in] in float32 as MKL's kernels read it, for as many threads as there are now.

    Args:
        weight: is copied.
    """

    DEPENDS_ON_THREADS = True
    # MKL cuts the layout for about so many rows and for its threads: with fewer, many rows are slow, and with more, few
    # rows get one thread only.
    _ROWS = 384

    def __init__(self, weight: Tensor) -> None:
        self.weight = torch.ops.mkl._mkl_reorder_linear_weight(weight.detach(), self._ROWS)
        # PyTorch wants the plain weight too, for its shape, and to multiply with where it does not take the layout; the
        # latter shall not happen, and not go unnoticed.
        self.shape = weight.new_full((1,), torch.nan).expand(weight.shape)

    def multiply(self, rows: Tensor, bias: Tensor | None) -> Tensor:
        """As in `_Unfused`."""
        return torch.ops.mkl._mkl_linear(rows, self.weight, self.shape, bias, len(rows))


class OpenBlasWeight(_Unfused):
    """A weight [out, in] in float32, transposed, for numpy's products.

    Args:
        weight: is copied.
    """

    DEPENDS_ON_THREADS = False

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight.detach().t().clone(memory_format=torch.contiguous_format).numpy()

    def multiply(self, rows: Tensor, bias: Tensor | None) -> Tensor:
        """As in `_Unfused`."""
        result = torch.from_numpy(rows.numpy() @ self.weight)
        return result if bias is None else result.add_(bias)


PackedWeight = OneDnnWeight | MklWeight | OpenBlasWeight


@functools.cache
def packed_type(dtype: torch.dtype, threads: int) -> type[PackedWeight] | None:
    """The fastest library on this machine for a type of numbers; None where none has products for it.

    Args:
        dtype: of weights and rows.
        threads: that share a product.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    if dtype == torch.float32 and _is_intel() and _has_mkl():
        return MklWeight
    # Several threads of OpenBLAS would be others than PyTorch's, and both kinds wait for work at full speed.
    if dtype == torch.float32 and threads == 1 and not _is_intel() and _has_avx2_only() and has_avx2_openblas():
        return OpenBlasWeight
    types = [torch.float32] + [torch.bfloat16] * has_bfloat16("cpu")
    return OneDnnWeight if dtype in types and _has_onednn() else None


def _has_onednn() -> bool:
    operators = ("_linear_pointwise", "_reorder_linear_weight")
    return torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in operators)


def _has_mkl() -> bool:
    """Whether there are MKL's operators, and one layout serves any number of rows, which nobody promises."""
    operators = ("_mkl_linear", "_mkl_reorder_linear_weight")
    if not (torch.backends.mkl.is_available() and all(hasattr(torch.ops.mkl, name) for name in operators)):
        return False
    # Small integers, whose products and sums float32 holds exactly.
    rows, weight = (np.arange(count * 48).reshape(count, 48) % 7 - 3 for count in (500, 400))
    with torch.inference_mode():
        inputs, packed = (
            torch.from_numpy(rows.astype(np.float32)),
            MklWeight(torch.from_numpy(weight.astype(np.float32))),
        )
        return all(
            np.array_equal(packed.product(inputs[:count], None), rows[:count] @ weight.T) for count in (1, 7, 500)
        )


def _has_avx2_only() -> bool:
    return torch.backends.cpu.get_cpu_capability() == "AVX2"


def _is_intel() -> bool:
    """Whether the processor is Intel's; on others MKL chooses slower kernels."""
    cpuinfo = Path("/proc/cpuinfo")
    return "GenuineIntel" in (cpuinfo.read_text() if cpuinfo.is_file() else platform.processor())
