"""docs/benchmarks.md and its plots, rendered from result files; no number in them is typed by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from angel_hf.jobs.text_file import write_text
from benchmarks.figures import Document, Spread, spreads
from benchmarks.option_table import option_sections
from benchmarks.plots import draw, plots_of
from benchmarks.suite import FORMAT as SUITE_FORMAT
from benchmarks.suite import PARTS
from benchmarks.suite_report import runs_that_met

PAGE = "benchmarks.md"
IMAGES = "images"
FORMATS = {
    "angel-benchmarks-1": "core",
    "angel-sweeps-1": "sweeps",
    "angel-base-search-1": "base",
    "angel-search-options-1": "options",
    "angel-ten-million-1": "scale",
    "angel-bulk-benchmark-1": "bulk",
}
"""The format of each part's own result file."""


def read_runs(paths: Sequence[Path]) -> list[dict[str, Document]]:
    """Runs out of result files, those of `angel bench` and those of single parts, in the order given.

    Raises:
        ValueError: a file is not a result file.
    """
    runs: list[dict[str, Document]] = []
    for path in paths:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: no JSON ({error}); expected what `angel bench --output` wrote") from None
        found = document.get("format") if isinstance(document, dict) else None
        if found == SUITE_FORMAT:
            runs += [run["parts"] for run in document["runs"]]
        elif found in FORMATS:
            runs.append({FORMATS[found]: document})
        else:
            known = ", ".join([SUITE_FORMAT, *FORMATS])
            raise ValueError(f"{path}: format {found!r}; expected one of {known}")
    return runs


def render(runs: Sequence[dict[str, Document]], sources: Sequence[str]) -> str:
    """The page as Markdown.

    Args:
        runs: what `read_runs` returned.
        sources: the files, as the page shall name them.
    """
    by_part: dict[str, list[Document]] = {}
    for run in runs:
        for part, document in run.items():
            by_part.setdefault(part, []).append(document)
    found = spreads(runs)
    sections = [
        "# Benchmarks",
        f"Rendered by `angel bench page` from {_enumerate([f'`{source}`' for source in sources])}, which hold every "
        "repeat. `angel bench` measures this on your machine: `--all` for every part, `--runs 3` for how much three "
        "runs differ, `--data` for the folder of reference models, corpora and ontologies, without which some parts "
        "are left out. Times are CPU seconds unless said otherwise; what is compared took turns in one run.",
    ]
    for known in PARTS:
        if known.name in by_part:
            own = [spread for spread in found if spread.part == known.name]
            sections += _section(known.name, known.measures, by_part[known.name], own)
    return "\n\n".join(sections) + "\n"


def _section(name: str, measures: str, documents: Sequence[Document], own: Sequence[Spread]) -> list[str]:
    heading = f"## {measures[0].upper()}{measures[1:]}"
    commands = dict.fromkeys(f"`{document['command']}`" for document in documents)
    sections = [heading, f"{_enumerate(list(commands))}. {_machine(documents)}"]
    if name == "sweeps":
        # Of the last run, whose points they are; the table below has all runs.
        plots = plots_of(documents[-1]["sweeps"])
        sections.append("\n".join(f"![{plot.title}]({IMAGES}/{plot.name}.svg)" for plot in plots))
    if name == "options":
        return [*sections, *option_sections(documents)]
    return [*sections, _table(own)]


def _machine(documents: Sequence[Document]) -> str:
    machine, *others = [
        {key: value for key, value in document["machine"].items() if key != "load"} for document in documents
    ]
    if any(other != machine for other in others):
        raise ValueError(
            f"results of different machines or versions, such as {machine['cpu']}, {machine['instructions']}; expected "
            "runs whose medians mean something: give only those of one"
        )
    loads = _enumerate([str(document["machine"]["load"]) for document in documents])
    described = (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} of them used, {machine['instructions']}; "
        f"torch {machine['versions']['torch']}, transformers {machine['versions']['transformers']}; load {loads}."
    )
    if any(document.get("quick") for document in documents):
        described += " A quick look and not a measurement."
    return described


def _table(own: Sequence[Spread]) -> str:
    lines = ["| | median | least to most | | target | |", "|---|---:|---:|---|---|---|"]
    for spread in own:
        between = f"{min(spread.values):.4g} to {max(spread.values):.4g}" if len(spread.values) > 1 else ""
        cells = (spread.name, f"{spread.median:.4g}", between, spread.unit, spread.target or "", runs_that_met(spread))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _enumerate(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def write_page(paths: Sequence[Path], docs: Path) -> list[Path]:
    """Render the page and its plots below `docs`, each file whole or not at all.

    Returns:
        What was written.

    Raises:
        ValueError: a file is not a result file.
    """
    runs = read_runs(paths)
    sources = [Path(os.path.relpath(path, docs.parent)).as_posix() for path in paths]
    files = {docs / PAGE: render(runs, sources)}
    for sweeps in _last_sweeps(runs):
        files |= {docs / IMAGES / f"{plot.name}.svg": draw(plot) for plot in plots_of(sweeps)}
    for path, text in files.items():
        write_text(path, text)
    return list(files)


def _last_sweeps(runs: Sequence[dict[str, Document]]) -> list[dict[str, Any]]:
    return [run["sweeps"]["sweeps"] for run in runs if "sweeps" in run][-1:]
