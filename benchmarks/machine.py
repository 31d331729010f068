"""What a run was measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch

_LIBRARIES = ("angel-hf", "torch", "transformers", "tokenizers", "numpy", "safetensors")


@dataclass(frozen=True)
class Machine:
    """Processor, system and libraries.

    Attributes:
        cores: of the system; a run uses `threads` of them.
        instructions: the widest that torch uses.
        load: mean number of waiting processes over the last minute, before the run; None where unknown.
    """

    cpu: str
    cores: int | None
    threads: int
    instructions: str
    load: float | None
    system: str
    versions: dict[str, str]


def this_machine() -> Machine:
    """Describe the machine and the process."""
    return Machine(
        cpu=_cpu_model(),
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        system=platform.platform(),
        versions={"python": platform.python_version()}
        | {library: importlib.metadata.version(library) for library in _LIBRARIES},
    )


def _cpu_model() -> str:
    """The processor's name: from a file on Linux, elsewhere from `platform`."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
