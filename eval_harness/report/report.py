"""report.html and report.md of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from angel_hf.jobs.text_file import write_text
from eval_harness.benchmark import Benchmark
from eval_harness.prediction import Prediction
from eval_harness.published import published_numbers
from eval_harness.report.errors import errors_as_json
from eval_harness.report.plots import accuracy_plot, calibration_plot, risk_coverage_plot
from eval_harness.result import Result, SliceResult
from eval_harness.result_file import Report
from eval_harness.significance import Interval

HTML_FILE = "report.html"
MARKDOWN_FILE = "report.md"


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A slice with what each result reached on it; None where it has no such mentions."""

    name: str
    value: str
    mentions: int
    cells: tuple[SliceResult | None, ...]


@dataclass(frozen=True, slots=True)
class SliceTable:
    """The slices of one protocol, a column a predictor."""

    protocol: str
    predictors: tuple[str, ...]
    rows: tuple[SliceRow, ...]


def write_report(out: Path, report: Report, predictions: Sequence[Sequence[Prediction]]) -> None:
    """Write both reports.

    Args:
        out: directory.
        report: what results.json holds.
        predictions: of each of its results, in the same order.
    """
    pairs = list(zip(report.results, predictions, strict=True))
    shared = {
        "run": report.run,
        "benchmark": _benchmark(report.run.benchmark),
        "results": report.results,
        "protocols": list(dict.fromkeys(result.protocol for result in report.results)),
        "published": published_numbers(report.run.benchmark),
        "slice_tables": [
            _slice_table([one for one in report.results if one.protocol.name == name])
            for name in dict.fromkeys(result.protocol.name for result in report.results)
        ],
    }
    plots = {
        "accuracy_plot": accuracy_plot(pairs),
        "risk_coverage_plot": risk_coverage_plot(pairs),
        "calibration_plot": calibration_plot(pairs),
    }
    html = environment().get_template("report.html.jinja")
    write_text(out / HTML_FILE, html.render(**shared, **plots, errors=errors_as_json(pairs)))
    write_text(out / MARKDOWN_FILE, environment().get_template("report.md.jinja").render(**shared))


def environment() -> Environment:
    """Templates, with the filters that they use."""
    made = Environment(
        loader=PackageLoader("eval_harness", "report"),
        autoescape=select_autoescape(("html.jinja",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["percent"] = _percent
    made.filters["interval"] = _interval
    return made


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _interval(value: Interval | None) -> str:
    return "–" if value is None else f"{value.low:.1f}–{value.high:.1f}"


def _benchmark(name: str) -> Benchmark | None:
    """None for a benchmark that the harness does not know."""
    from eval_harness.benchmarks import BENCHMARKS

    return next((one for one in BENCHMARKS if one.name == name), None)


def _slice_table(results: Sequence[Result]) -> SliceTable:
    keys = {(one.name, one.value): one.mentions for result in results for one in result.slices}
    found = [{(one.name, one.value): one for one in result.slices} for result in results]
    rows = (SliceRow(*key, count, tuple(one.get(key) for one in found)) for key, count in keys.items())
    return SliceTable(results[0].protocol.name, tuple(one.predictor for one in results), tuple(rows))
