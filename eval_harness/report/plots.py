"""Plots as SVG text, to stand inside a page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eval_harness.metrics.entity_linking.ranks import hits_at
from eval_harness.metrics.linking_calibration.confidence import calibration_bins, risk_coverage
from eval_harness.prediction import Prediction
from eval_harness.result import Result

# Okabe and Ito: distinct for colour-blind readers too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f")
_MARKERS = "osD^vPX*"
_MOST_POINTS = 200  # of a risk-coverage curve: more than a screen shows

Pair = tuple[Result, Sequence[Prediction]]


def accuracy_plot(pairs: Sequence[Pair]) -> str:
    """Accuracy at k, one panel a protocol."""

    def draw(axes: Axes, result: Result, predictions: Sequence[Prediction], style: dict[str, Any]) -> None:
        axes.plot(list(result.accuracy_at), list(result.accuracy_at.values()), markersize=4, **style)

    return _panels(pairs, draw, "k", "accuracy at k, %", "accuracy", y_from=None)


def risk_coverage_plot(pairs: Sequence[Pair]) -> str:
    """Share of wrong answers among the surest, one panel a protocol."""

    def draw(axes: Axes, result: Result, predictions: Sequence[Prediction], style: dict[str, Any]) -> None:
        right = hits_at(1, [one.rank for one in predictions])
        coverage, risk = risk_coverage([one.confidence for one in predictions], right)
        shown = np.unique(np.linspace(0, len(risk) - 1, _MOST_POINTS).astype(int))
        axes.plot(100 * coverage[shown], 100 * risk[shown], **style | {"marker": ""})

    return _panels(pairs, draw, "coverage, % of mentions answered", "risk, % wrong among them", "risk", y_from=0)


def calibration_plot(pairs: Sequence[Pair]) -> str:
    """Accuracy by confidence, for predictors whose scores are probabilities; empty without one."""
    if all(result.expected_calibration_error is None for result, _ in pairs):
        return ""

    def draw(axes: Axes, result: Result, predictions: Sequence[Prediction], style: dict[str, Any]) -> None:
        if result.expected_calibration_error is None:
            return
        right = hits_at(1, [one.rank for one in predictions])
        bins = calibration_bins([one.confidence for one in predictions], right)
        axes.plot([100 * one.confidence for one in bins], [100 * one.accuracy for one in bins], markersize=4, **style)
        axes.plot([0, 100], [0, 100], color="#bbbbbb", linewidth=1, zorder=0)

    return _panels(pairs, draw, "confidence, %", "accuracy, %", "calibration", y_from=0)


def _panels(
    pairs: Sequence[Pair],
    draw: Callable[[Axes, Result, Sequence[Prediction], dict[str, Any]], None],
    x: str,
    y: str,
    salt: str,
    y_from: int | None,
) -> str:
    protocols = list(dict.fromkeys(result.protocol.name for result, _ in pairs))
    predictors = list(dict.fromkeys(result.predictor for result, _ in pairs))
    # The same SVG whenever it is drawn, and no ids that another plot of the page has.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"angel-eval {salt}", "font.size": 9}):
        figure = Figure(figsize=(3.2 * len(protocols) + 0.4, 3.0), layout="constrained")
        panels = figure.subplots(1, len(protocols), squeeze=False, sharey=True)[0]
        for axes, protocol in zip(panels, protocols):
            for result, predictions in pairs:
                if result.protocol.name == protocol:
                    which = predictors.index(result.predictor)
                    style = {
                        "color": _COLOURS[which % len(_COLOURS)],
                        "marker": _MARKERS[which % len(_MARKERS)],
                        "label": result.predictor,
                    }
                    draw(axes, result, predictions, style)
            axes.set_title(protocol)
            axes.set_xlabel(x)
            axes.grid(color="#e5e5e5")
            axes.spines[["top", "right"]].set_visible(False)
        if y_from is not None:
            # Last, since it ends the scaling to what is drawn, and the panels share their scale.
            panels[0].set_ylim(bottom=y_from)
        panels[0].set_ylabel(y)
        handles = dict(zip(*reversed(panels[0].get_legend_handles_labels())))
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=6, frameon=False)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(stream.getvalue(), salt)


def _inline(svg: str, label: str) -> str:
    """Without the XML head, and as wide as the page allows."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    opening = re.search(r'<svg[^>]*viewBox="([^"]+)"[^>]*>', svg)
    assert opening is not None, "matplotlib writes a viewBox"
    head = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{opening[1]}" role="img" aria-label="{label} plot">'
    )
    return head + svg[opening.end() :]
