"""Plots of the sweeps as SVG files, each with the numbers that it shows in its description."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# Okabe and Ito: distinct for colour-blind readers too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_MARKERS = "osD^"
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Line:
    """One line of a plot: its label, and where its points are."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Plot:
    """A plot, before it is drawn; a logarithmic scale starts where the points do, another one at zero.

    Attributes:
        name: of the file, without its ending.
        lines: all of one unit.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    log_x: bool = True
    log_y: bool = False


def plots_of(sweeps: dict[str, Any]) -> tuple[Plot, ...]:
    """The plots of a result file's `sweeps`."""
    speed = "mentions a CPU second"
    return (
        Plot("speed-by-batch-size", "Speed by batch size", "mentions a batch", speed, _rates(sweeps["by_batch_size"])),
        Plot("speed-by-beams", "Speed by beams", "beams", speed, _rates(sweeps["by_beams"])),
        Plot("speed-by-names", "Speed by names", "names", speed, _rates(sweeps["by_names"])),
        Plot("memory-by-names", "Memory by names", "names", "MB", _memory(sweeps["memory"]), log_y=True),
    )


def _rates(points: Sequence[dict[str, Any]]) -> tuple[Line, ...]:
    lines = []
    for series in dict.fromkeys(point["series"] for point in points):
        own = [point for point in points if point["series"] == series]
        rates = tuple(round(point["mentions_per_cpu_second"], 2) for point in own)
        lines.append(Line(series, tuple(point["at"] for point in own), rates))
    return tuple(lines)


def _memory(points: Sequence[dict[str, Any]]) -> tuple[Line, ...]:
    names = tuple(point["names"] for point in points)
    values = {
        "NameTrie": [point["name_trie"]["held"] for point in points],
        "NameTrie, while it is built": [point["name_trie"]["peak"] for point in points],
        "nested dict": [point["nested_dict"]["held"] for point in points],
    }
    return tuple(
        Line(label, names, tuple(round(size / _MEGABYTE, 3) for size in sizes)) for label, sizes in values.items()
    )


def draw(plot: Plot) -> str:
    """A plot as an SVG file; the same whenever it is drawn by the same release of matplotlib."""
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": plot.name, "font.size": 10}):
        figure = Figure(figsize=(5.2, 3.4), layout="constrained", facecolor="white")
        axes = figure.subplots()
        for line, colour, marker in zip(plot.lines, _COLOURS, _MARKERS):
            axes.plot(line.x, line.y, color=colour, marker=marker, markersize=5, label=line.label)
        if plot.log_x:
            axes.set_xscale("log", base=10 if max(map(max, (line.x for line in plot.lines))) > 1000 else 2)
            axes.xaxis.set_major_formatter("{x:,.0f}")
        if plot.log_y:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:,g}")
        else:
            axes.set_ylim(bottom=0)
        axes.set_title(plot.title)
        axes.set_xlabel(plot.x_label)
        axes.set_ylabel(plot.y_label)
        axes.grid(color="#e5e5e5")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        stream = io.StringIO()
        description = json.dumps([asdict(line) for line in plot.lines])
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Description": description})
    return stream.getvalue()
