"""The figures of result files, each with its target, over one run or several."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """One number of one run.

    Attributes:
        part: of the suite.
        name: what was measured, the same in every run.
        value: in `unit`.
        target: ">= 3.5" or "<= 1.1" and so on, or None without one.
        met: whether the target was met; None without one, and where the run is not judged, as on sample data.
    """

    part: str
    name: str
    value: float
    unit: str
    target: str | None = None
    met: bool | None = None


@dataclass(frozen=True)
class Spread:
    """One figure over several runs, in their order."""

    part: str
    name: str
    unit: str
    target: str | None
    values: tuple[float, ...]
    met: tuple[bool | None, ...]

    @property
    def median(self) -> float:
        """Median over the runs."""
        return statistics.median(self.values)

    @property
    def relative(self) -> float:
        """Largest less smallest value, by the median; 0 for a median of 0."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0


def spreads(runs: Sequence[dict[str, Document]]) -> list[Spread]:
    """Every figure over the runs that have it.

    Args:
        runs: for each run the result files of its parts, by their names.
    """
    found: dict[tuple[str, str], list[Figure]] = {}
    for run in runs:
        for figure in figures(run):
            found.setdefault((figure.part, figure.name), []).append(figure)
    return [
        Spread(part, name, own[0].unit, own[0].target, tuple(f.value for f in own), tuple(f.met for f in own))
        for (part, name), own in found.items()
    ]


def figures(parts: dict[str, Document]) -> list[Figure]:
    """The figures of a run's parts; a quick look at less work meets no target and misses none."""
    found = [(document, figure) for part, document in parts.items() for figure in _OF_PART[part](document)]
    return [replace(figure, met=None) if document.get("quick") else figure for document, figure in found]


def _core(document: Document) -> Iterator[Figure]:
    search, trie = document["search"], document["trie"]
    for contest in search["contests"]:
        ours, theirs, target = contest["ours"], contest["theirs"], contest["target"]
        batch = f"batch {ours['batch_size']}"
        least = f">= {target['least_ratio']}"
        yield Figure("core", f"{search['model']}, {batch}", ours["mentions_per_cpu_second"], "mentions/CPU s")
        against = f"{search['model']}, {batch}, by generate at batch {theirs['batch_size']}"
        by_default, tuned = contest["ratio_by_default"]["median"], contest["ratio"]["median"]
        yield Figure("core", against, by_default, "times", least, target["met_by_default"])
        yield Figure("core", f"{against}, options tuned", tuned, "times", least, target["met"])
    agreement = search["agreement"]
    yield Figure("core", "mentions with the published code's names", agreement["golden"], f"of {agreement['mentions']}")
    targets, met = trie["target"], trie["target"]["met"] or {}
    for name, value, unit, target, key in (
        (
            "trie, building, nested dict's time by ours",
            trie["time_ratio"]["median"],
            "times",
            "least_time_ratio",
            "time",
        ),
        ("trie, nested dict's memory by ours", trie["memory_ratio"], "times", "least_memory_ratio", "memory"),
    ):
        yield Figure("core", name, value, unit, f">= {targets[target]:g}", met.get(key))
    opened = 1e3 * statistics.median(trie["open_seconds"])
    yield Figure("core", "trie, opened", opened, "ms", f"<= {1e3 * targets['most_open_seconds']:g}", met.get("open"))


def _base(document: Document) -> Iterator[Figure]:
    ratios = [ratio["median"] for ratio in document["ratios_by_default"]]
    values = [*ratios, document["peak_share"], document["thread_ratio"]]
    for (target, met), value in zip(document["targets"].items(), values, strict=True):
        what, least = _name_and_target(target)
        yield Figure("base", f"BART-base's shape, {what}", value, "times", least, met)
    if (products := document.get("thread_ratio_of_products")) is not None:  # absent in earlier files
        yield Figure("base", "plain products, two threads by one", products, "times")
    for contest in document["contests"]:
        rate = contest["ours"]["work"] / statistics.median(contest["ours"]["cpu_seconds"])
        yield Figure("base", f"BART-base's shape, batch {contest['our_batch_size']}", rate, "mentions/CPU s")
    precisions = document.get("precisions", []), document.get("ratios_of_precisions", [])  # absent in earlier files
    for low, ratio in zip(*precisions, strict=True):
        name = f"BART-base's shape, batch {low['batch_size']}, {low['precision']} by float32"
        yield Figure("base", name, ratio["median"], "times")


def _name_and_target(target: str) -> tuple[str, str]:
    """Name and target: of "batch 32 at least 3.2x generate", "batch 32 by generate" and ">= 3.2"; percents likewise."""
    found = re.search(r"(.*?)at least ([\d.]+)(x|% of) (.*)", target)
    if found is None:
        raise ValueError(f"target {target!r}; expected `... at least NUMBERx ...` or `... at least NUMBER% of ...`")
    before, number, kind, other = found.groups()
    least = float(number) / (1 if kind == "x" else 100)
    return (f"{before}by {other}" if before else f"by {other}"), f">= {least:g}"


def outcomes_of_test(document: Document) -> dict[str, Document]:
    """A result file's outcomes on the test set, by option."""
    return {one["option"]: one for one in document["outcomes"] if one["split"] == "test"}


def _options(document: Document) -> Iterator[Figure]:
    of_test = outcomes_of_test(document)
    for key, words in (("no_loss", "no loss"), ("one_point", "a loss of 1 point")):
        chosen = document[key]
        yield Figure("options", f"fastest at {words}", of_test[chosen]["overall_speed"], "times")
    for option, one in of_test.items():
        yield Figure("options", option, one["overall_speed"], "times")
        yield Figure("options", f"{option}, change at 1", one["difference"]["difference"], "points")
        if (proofs := one["proofs"]) is not None:
            yield Figure("options", f"{option}, proven", proofs["proven"], f"of {one['mentions']}")
            yield Figure("options", "a better name found than by 10 beams", proofs["missed"], f"of {one['mentions']}")
            if (certain := proofs.get("missed_for_certain")) is not None:  # absent in earlier files
                yield Figure("options", "the same among the proven", certain, f"of {proofs['proven']}")


def _scale(document: Document) -> Iterator[Figure]:
    scale = document["scale"]
    build, target, met = scale["build"], scale["target"], scale["target"]["met"]
    names = f"{build['names']:,} names"
    gigabyte = 1e9
    yield Figure("scale", f"{names}, reading", build["read_seconds"], "s")
    yield Figure("scale", f"{names}, tokenising and trie", build["set_seconds"], "s")
    for what, value, unit, most, key in (
        (
            "peak memory of the build",
            build["peak_bytes"] / gigabyte,
            "GB",
            target["most_build_bytes"] / gigabyte,
            "build_memory",
        ),
        ("trie on disk", build["trie_file_bytes"] / 1e6, "MB", target["most_trie_bytes"] / 1e6, "trie_file"),
        ("opened", scale["names_seconds"], "s", target["most_open_seconds"], "open"),
        (
            "memory of a linking process",
            scale["link_bytes"] / gigabyte,
            "GB",
            target["most_link_bytes"] / gigabyte,
            "linking_memory",
        ),
        ("search, by few names'", scale["slowdown"], "times", target["most_slowdown"], "search"),
    ):
        yield Figure("scale", f"{names}, {what}", value, unit, f"<= {most:g}", met[key])
    if (update := scale.get("update")) is None:  # absent in earlier files
        return
    rows = scale["searches"]["all_rows"] / scale["searches"]["few_rows"]
    yield Figure("scale", f"{names}, rows of the decoder, by few names'", rows, "times")
    yield Figure("scale", "tokenising on all cores, by one", scale["tokenizing_ratio"], "times")
    changed = f"{names}, {update['concepts']:,} concepts"
    yield Figure("scale", f"{changed} removed", update["remove_seconds"], "s")
    yield Figure("scale", f"{changed} added again", update["add_seconds"], "s")
    same = met["update"]
    yield Figure("scale", f"{changed} added again, all as built", float(same), "of 1", ">= 1", same)
    yield Figure("scale", f"{changed} removed and added, peak memory", update["peak_bytes"] / gigabyte, "GB")


def _bulk(document: Document) -> Iterator[Figure]:
    mini, large = document["angel-mini"], document["bart-large"]
    rate = mini["mentions"] / statistics.median(mini["cpu_seconds"])
    yield Figure("bulk", "angel-mini, Parquet to Parquet", rate, "mentions/CPU s")
    operations = statistics.median(large["operations_per_second"]) / 1e9
    yield Figure("bulk", "BART-large's shape", operations, "10^9 operations/CPU s")


def _sweeps(document: Document) -> Iterator[Figure]:
    sweeps = document["sweeps"]
    for key, what in (("by_batch_size", "batch"), ("by_beams", "beams"), ("by_names", "names")):
        for point in sweeps[key]:
            name = f"{point['series']}, {what} {point['at']:,}"
            yield Figure("sweeps", name, point["mentions_per_cpu_second"], "mentions/CPU s")
    work = sweeps["work"]
    yield Figure("sweeps", "counted operations", work["operations"] / sweeps["mentions"] / 1e9, "10^9/mention")
    theirs = sweeps["their_operations"] / sweeps["mentions"] / 1e9
    yield Figure("sweeps", "counted operations of generate", theirs, "10^9/mention")
    yield Figure("sweeps", "rows of beams", work["decoder_rows"] / sweeps["mentions"], "/mention")


_OF_PART: dict[str, Callable[[Document], Iterator[Figure]]] = {
    "core": _core,
    "base": _base,
    "sweeps": _sweeps,
    "options": _options,
    "scale": _scale,
    "bulk": _bulk,
}
