"""`python -m benchmarks.plan --measured results/bulk.json --output docs/plan.md`: what all of PubMed costs.

Everything is computed from the result file of `python -m benchmarks.bulk` and from the assumptions below, which the
plan states.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angel_hf.jobs.text_file import write_text

TEMPLATE = Path(__file__).with_name("plan_template.md")
ABSTRACTS = 38_000_000
MENTIONS_PER_ABSTRACT = 10
WINDOW = 1024
CORES = 64
UTILISATION = 0.3


@dataclass(frozen=True)
class Gpu:
    """A GPU by its maker's data sheet: operations a second without sparsity, 10^12."""

    name: str
    float32: float
    bfloat16: float


GPUS = (Gpu("NVIDIA L4", 30.3, 121), Gpu("NVIDIA A100 SXM", 19.5, 312), Gpu("NVIDIA H100 SXM", 67, 989))


def hours(seconds_per_mention: float) -> float:
    """Hours for all mentions of PubMed, one after the other."""
    return seconds_per_mention * ABSTRACTS * MENTIONS_PER_ABSTRACT / 3600


def render(measured: dict[str, Any], source: str) -> str:
    """The plan as Markdown.

    Args:
        measured: contents of the result file.
        source: its name.
    """
    mini, large, machine = measured["angel-mini"], measured["bart-large"], measured["machine"]
    row_bytes = mini["output_bytes"] / mini["mentions"]
    values = {
        "source": source,
        "command": measured["command"],
        "abstracts": f"{ABSTRACTS / 1e6:.0f}",
        "mentions_per_abstract": MENTIONS_PER_ABSTRACT,
        "corpus": measured["corpus"],
        "found": f"{mini['mentions'] / mini['documents']:.1f}",
        "characters": f"{mini['characters']:,.0f}",
        "cpu": machine["cpu"],
        "instructions": machine["instructions"],
        "load": machine["load"],
        "torch": machine["versions"]["torch"],
        "source_tokens": f"{mini['work']['source_tokens']:.0f}",
        "beam_rows": f"{mini['work']['beam_rows']:.0f}",
        "mini_ms": f"{1e3 * _mini_seconds(mini):.1f}",
        "mini_mentions": f"{mini['mentions']:,}",
        "parameters": f"{large['parameters'] / 1e6:.0f}",
        "rate": f"{statistics.median(large['operations_per_second']) / 1e9:.1f}",
        "large_mentions": large["mentions"],
        "utilisation": f"{UTILISATION:.0%}",
        "host_ms": f"{1e3 * _host_seconds(mini):.2f}",
        "cores": CORES,
        "core_rows": "\n".join(_core_rows(mini, large)),
        "gpu_rows": "\n".join(_gpu_rows(mini, large)),
        "shards": f"{-(-ABSTRACTS // WINDOW):,}",
        "window": f"{WINDOW:,}",
        "gigabytes": f"{row_bytes * ABSTRACTS * MENTIONS_PER_ABSTRACT / 1e9:,.0f}",
    }
    return TEMPLATE.read_text(encoding="utf-8").format(**values)


def _core_rows(mini: dict[str, Any], large: dict[str, Any]) -> Iterator[str]:
    per_second = statistics.median(large["operations_per_second"])
    context = f"{mini['work']['source_tokens']:.0f} tokens around the mention"
    costs = [("angel-mini", context, _mini_seconds(mini))]
    costs += [("BART-large's shape", name, operations / per_second) for name, operations in large["operations"].items()]
    for model, context, seconds in costs:
        total = hours(seconds)
        yield f"| {model} | {context} | {seconds * 1e3:,.1f} | {total:,.0f} | {total / 24 / CORES:,.1f} |"


def _gpu_rows(mini: dict[str, Any], large: dict[str, Any]) -> Iterator[str]:
    for name, operations in large["operations"].items():
        for gpu in GPUS:
            times = [_gpu_hours(operations, peak, _host_seconds(mini)) for peak in (gpu.float32, gpu.bfloat16)]
            yield f"| BART-large's shape | {name} | {operations / 1e9:,.0f} | {gpu.name} | {' | '.join(times)} |"


def _gpu_hours(operations: float, peak: float, host_seconds: float) -> str:
    seconds = operations / (peak * 1e12 * UTILISATION)
    return f"{hours(max(seconds, host_seconds)):,.0f}{' h' if host_seconds > seconds else ''}"


def _mini_seconds(mini: dict[str, Any]) -> float:
    return statistics.median(mini["cpu_seconds"]) / mini["mentions"]


def _host_seconds(mini: dict[str, Any]) -> float:
    return statistics.median(mini["host_seconds"])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=__doc__.splitlines()[0])
    parser.add_argument("--measured", type=Path, required=True, help="from python -m benchmarks.bulk")
    parser.add_argument("--output", type=Path, required=True, help="Markdown")
    options = parser.parse_args()
    measured = json.loads(options.measured.read_text(encoding="utf-8"))
    write_text(options.output, render(measured, options.measured.as_posix()))


if __name__ == "__main__":
    main()
