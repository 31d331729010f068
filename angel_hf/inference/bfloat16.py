"""Whether a machine has instructions for products in bfloat16."""

from __future__ import annotations

import torch


def has_bfloat16(device: torch.device | str) -> bool:
    """Whether bfloat16 saves time on a device of this process.

    Without such instructions PyTorch still computes, by products in float32 with conversions around them, which is
    slower than float32 alone. Of CPUs only those of x86 tell.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return kind == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
