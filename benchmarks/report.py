"""A run as tables for people."""

from __future__ import annotations

import statistics

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import Run
from benchmarks.search_speed import Contest, SearchSpeed
from benchmarks.timing import Ratio, Timing
from benchmarks.trie_cost import LEAST_MEMORY_RATIO, LEAST_TIME_RATIO, MOST_OPEN_SECONDS, TrieCost

_WIDTH = 112


def print_run(run: Run) -> None:
    """Print a run to standard output."""
    console = Console(width=_WIDTH, highlight=False)
    machine, versions = run.machine, run.machine.versions
    console.print(
        f"{machine.cpu}, {machine.cores} cores, {machine.threads} thread used, {machine.instructions}, load "
        f"{machine.load}; Python {versions['python']}, torch {versions['torch']}, transformers "
        f"{versions['transformers']}; seed {run.seed}{', quick' if run.quick else ''}"
    )
    for substitute in run.data.substitutes:
        console.print(f"[bold]SAMPLE DATA:[/bold] {substitute}; targets do not apply")
    console.print("Times are CPU seconds of the process; a busy machine makes them longer, ratios less so.")
    _print_search(console, run.search, judged=run.data.has_reference)
    _print_trie(console, run.trie, judged=run.data.has_mesh and not run.quick)


def _print_search(console: Console, search: SearchSpeed, judged: bool) -> None:
    table = _table(
        f"Constrained search: model {search.model} ({search.parameters / 1e6:.1f}M parameters), "
        f"{search.names:,} names, 10 beams, {search.mean_source_tokens:.0f} source tokens on average",
        ["mentions per CPU second", "batch", "median", "slowest - fastest", "ours by", "of pairs", "target"],
    )
    for contest in search.contests:
        _add_contest(table, contest, judged)
    console.print(table)
    agreement = search.agreement
    console.print(
        f"Same answers: the first name of {agreement.first} of {agreement.mentions} mentions with tuned options and "
        f"of {agreement.first_by_default} with default options; all ten in order of {agreement.all_names} (generate "
        f"prunes otherwise). Ours gives the published code's ten names in order for {agreement.golden} of "
        f"{agreement.mentions}."
    )


def _add_contest(table: Table, contest: Contest, judged: bool) -> None:
    table.add_row("angel_hf", str(contest.our_batch_size), f"{contest.ours.rate:.2f}", _spread(contest.ours))
    for label, timing, ratio in (
        ("generate, tuned options", contest.theirs, contest.ratio),
        ("generate, default options", contest.theirs_by_default, contest.ratio_by_default),
    ):
        table.add_row(
            label,
            str(contest.their_batch_size),
            f"{timing.rate:.2f}",
            _spread(timing),
            f"{ratio.median:.2f}x",
            f"{ratio.least:.2f} - {ratio.most:.2f}",
            _target(f">= {contest.target}x", ratio.median >= contest.target, judged),
        )
    table.add_section()


def _print_trie(console: Console, trie: TrieCost, judged: bool) -> None:
    ours = trie.build["name-trie"]
    table = _table(
        f"Trie of {trie.entries:,} names, {trie.tokens:,} tokens, {trie.nodes:,} nodes, "
        f"from {' and '.join(trie.files)}",
        ["", "build, CPU s", "fastest - slowest", "NameTrie is", "of pairs"],
    )
    for name, label in (
        ("name-trie", "NameTrie.build, from arrays of ids"),
        ("name-trie-from-lists", "NameTrie.from_sequences, from lists"),
        ("nested-dict", "nested dict, from lists"),
        ("nested-dict-without-gc", "nested dict, garbage collector off"),
    ):
        timing = trie.build[name]
        ratio = Ratio.of(ours, timing)
        table.add_row(
            label,
            f"{timing.median:.2f}",
            f"{min(timing.cpu_seconds):.2f} - {max(timing.cpu_seconds):.2f}",
            "" if timing is ours else f"{ratio.median:.1f}x faster",
            "" if timing is ours else f"{ratio.least:.1f} - {ratio.most:.1f}",
        )
    console.print(table)
    console.print(
        f"Before, in none of these: reading and normalising {trie.read_seconds:.1f} CPU s, tokenising "
        f"{trie.tokenise_seconds:.1f} CPU s ({1e6 * trie.tokenise_seconds / trie.entries:.0f} us a name)."
    )
    table = _table("Memory of the trie, MB", ["", "held", "peak while building", "growth of the process"])
    for name, label in (("name-trie", "NameTrie"), ("nested-dict", "nested dict")):
        memory = trie.memory[name]
        resident = "unknown here" if memory.resident is None else _megabytes(memory.resident)
        table.add_row(label, _megabytes(memory.held), _megabytes(memory.peak), resident)
    console.print(table)
    console.print(
        "Held and peak by tracemalloc, which counts all allocations of Python and numpy; growth is of resident memory, "
        "the allocator's reserve included. Each figure comes from a process of its own."
    )
    first, again = trie.open_seconds[0], trie.open_median
    expand = statistics.median(trie.expand_root_seconds)
    console.print(
        f"On disk {_megabytes(trie.file_bytes)} MB; opened memory-mapped in {1e3 * first:.1f} ms the first time and "
        f"{1e3 * again:.1f} ms after that; root expanded in {1e6 * trie.expand_root_seconds[0]:.0f} us the first time "
        f"and {1e6 * expand:.0f} us after that."
    )
    time_ratio, memory_ratio = trie.time_ratio.median, trie.memory_ratio
    console.print(
        f"build time 1/{time_ratio:.1f} of the nested dict's"
        f"{_target(f', target 1/{LEAST_TIME_RATIO:.0f}', time_ratio >= LEAST_TIME_RATIO, judged)}\n"
        f"memory 1/{memory_ratio:.1f} of the nested dict's"
        f"{_target(f', target 1/{LEAST_MEMORY_RATIO:.0f}', memory_ratio >= LEAST_MEMORY_RATIO, judged)}\n"
        f"opened in {1e3 * again:.1f} ms"
        f"{_target(f', target {1e3 * MOST_OPEN_SECONDS:.0f} ms', again <= MOST_OPEN_SECONDS, judged)}"
    )


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _spread(timing: Timing) -> str:
    slowest, fastest = timing.rates
    return f"{slowest:.2f} - {fastest:.2f}"


def _target(text: str, met: bool, judged: bool) -> str:
    if not judged:
        return f"{text}: not judged"
    return f"{text}: {'met' if met else 'NOT MET'}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
