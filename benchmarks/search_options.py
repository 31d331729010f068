"""`python -m benchmarks.search_options`: the speed and the accuracy of each departure from the published search.

On the NCBI-disease corpus, one thread. Every option searches a block of mentions before the next block, so a busy
machine slows all alike; speed is CPU time against the published search on the same block. Accuracy is the harness's,
under one of its protocols, and its difference from the published search has the interval of the paired bootstrap over
documents. The recommendation is chosen on the development set and reported on the test set.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import argparse
import dataclasses
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from transformers.utils import logging

from angel_hf import AngelForEntityLinking
from angel_hf.jobs.text_file import write_text
from angel_hf.model.low_precision import PRECISIONS, Precision, fast_precisions
from angel_hf.search import AdaptiveBeamSearch, BeamSearch, BestFirstSearch, VerbatimFirst
from benchmarks.data import DATA_VARIABLE, REPOSITORY
from benchmarks.machine import this_machine
from benchmarks.option_measurement import Option, Outcome, measure
from eval_harness.benchmarks.ncbi import NCBI
from eval_harness.corpus import open_corpus
from eval_harness.protocol import protocols_named
from eval_harness.task import prepare_task

FORMAT = "angel-search-options-1"
DEV, TEST = "dev", "test"


PUBLISHED_OPTION = Option("published: 10 beams, 10 names")


def options_for(fast: Sequence[Precision]) -> tuple[Option, ...]:
    """The published search, single departures from it, and combinations.

    Args:
        fast: precisions that the processor has instructions for; combinations use bfloat16 where it is among them. Each
            precision is also measured alone, since its cost in accuracy is the same everywhere.
    """
    low: Precision | None = "bfloat16" if "bfloat16" in fast else None
    name = f"{low}, 1 name" if low else "1 name"
    return (
        PUBLISHED_OPTION,
        Option("1 name, by proof", top_k=1),
        Option("5 names, by proof", top_k=5),
        Option("1 name, whole trie by proof", top_k=1, search=BestFirstSearch()),
        Option("a verbatim name first", search=VerbatimFirst()),
        Option("a verbatim name first, 1 name", top_k=1, search=VerbatimFirst()),
        Option("2 beams", top_k=2, search=BeamSearch(2)),
        Option("2 beams, 10 below a lead of 0.5", search=AdaptiveBeamSearch(2, margin=0.5)),
        Option("3 beams, 10 below a lead of 0.5", search=AdaptiveBeamSearch(3, margin=0.5)),
        *(Option(precision, precision=precision) for precision in PRECISIONS),
        Option("64 tokens of context", context_tokens=64),
        Option("32 tokens of context", context_tokens=32),
        Option("16 tokens of context", context_tokens=16),
        Option("no context", context_tokens=0),
        Option("no context, from memory", context_tokens=0, cached=True),
        *([Option(name, top_k=1, precision=low)] if low else []),
        Option(f"{name}, 3 beams or 10", top_k=1, precision=low, search=AdaptiveBeamSearch(3, margin=0.5)),
        Option(f"{name}, 64 tokens", top_k=1, precision=low, context_tokens=64),
        Option(f"{name}, 32 tokens", top_k=1, precision=low, context_tokens=32),
        Option(f"{name}, no context", top_k=1, precision=low, context_tokens=0),
        Option(f"{name}, no context, from memory", top_k=1, precision=low, context_tokens=0, cached=True),
    )


def recommend(outcomes: Sequence[Outcome], most_loss: float | None) -> str:
    """The fastest option on the development set whose loss there is within its interval, or within some points."""
    fit = [
        one
        for one in outcomes
        if one.split == DEV and (one.loses_nothing if most_loss is None else one.difference.difference >= -most_loss)
    ]
    return max(fit, key=lambda one: one.overall_speed).option


def print_outcomes(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print both splits as tables, and the recommendation."""
    for split in (DEV, TEST):
        table = Table(title=f"NCBI-disease {split}", title_justify="left", title_style="bold")
        for number, column in enumerate(("", "mentions/CPU s", "faster", "of blocks", "at 1", "at 5", "change at 1")):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for one in outcomes:
            if one.split == split:
                table.add_row(*_row(one))
        console.print(table)
    for one in outcomes:
        if one.proofs is not None:
            found = one.proofs
            console.print(
                f"{one.split}, {one.option}: proven for {found.proven} of {one.mentions} mentions, "
                f"{found.mean_expansions:.0f} nodes expanded on average, {found.most_expansions} at most. "
                f"The beam search misses a better name {found.missed} times, {found.missed_for_certain} of them among "
                f"the proven: {found.beam_right} times its own is "
                f"right, {found.exact_right} times the best is."
            )
    for words, loss in (("no loss", None), ("1 point", 1.0)):
        name = recommend(outcomes, loss)
        (one,) = [one for one in outcomes if (one.option, one.split) == (name, TEST)]
        change = one.difference
        console.print(
            f"Fastest at {words}, chosen on dev: {name}; on test {one.overall_speed:.2f} times as fast, "
            f"{change.difference:+.2f} points ({change.interval.low:+.2f} to {change.interval.high:+.2f})"
        )


def _row(one: Outcome) -> tuple[str, ...]:
    interval = one.difference.interval
    return (
        one.option,
        f"{one.mentions_per_cpu_second:.1f}",
        f"{one.overall_speed:.2f}x",
        f"{one.speed.least:.2f} - {one.speed.most:.2f}",
        f"{one.accuracy_at_1:.2f}",
        "" if one.accuracy_at_5 is None else f"{one.accuracy_at_5:.2f}",
        f"{one.difference.difference:+.2f} ({interval.low:+.2f} to {interval.high:+.2f})",
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search_options", description=str(__doc__).splitlines()[0]
    )
    data = Path(os.environ.get(DATA_VARIABLE, REPOSITORY.parent / "shared"), "data")
    parser.add_argument("--model", default="angel-mini", help="embedded model, folder or Hub repository")
    parser.add_argument("--source", default=str(data / "ncbi_disease"), help="the corpus as released, a folder")
    parser.add_argument("--knowledge-base", type=Path, default=data / "kb" / "medic_06Jul2012.txt")
    parser.add_argument("--text", default="published", choices=("released", "published", "ab3p"))
    parser.add_argument("--protocol", default="strict", choices=("angel", "lenient", "strict"))
    parser.add_argument("--mentions", type=int, help="at most this many of each split: a look, not a measurement")
    parser.add_argument("--only", nargs="+", default=[], help="only options whose names hold one of these words")
    parser.add_argument("--output", type=Path, help="JSON file for all measurements")
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    machine = this_machine()
    corpus = open_corpus(NCBI, options.source, options.text, [options.knowledge_base])
    model = AngelForEntityLinking.from_pretrained(options.model).eval()
    _, *departures = options_for(fast_precisions())
    chosen = [one for one in departures if not options.only or any(word in one.name for word in options.only)]
    outcomes: list[Outcome] = []
    for split in (DEV, TEST):
        task = prepare_task(corpus, split, protocols_named(options.protocol)[0])
        task = dataclasses.replace(task, examples=task.examples[: options.mentions])
        outcomes += measure(model, task, split, (PUBLISHED_OPTION, *chosen), _report)
    print_outcomes(outcomes, Console(width=140, highlight=False))
    if options.output is not None:
        document = {
            "format": FORMAT,
            "command": shlex.join(["python", "-m", "benchmarks.search_options", *sys.argv[1:]]),
            "machine": dataclasses.asdict(machine),
            "model": options.model,
            "parameters": model.num_parameters(),
            "text": options.text,
            "protocol": options.protocol,
            "limited_to_mentions": options.mentions,
            "no_loss": recommend(outcomes, None),
            "one_point": recommend(outcomes, 1.0),
            "outcomes": [dataclasses.asdict(one) for one in outcomes],
        }
        write_text(options.output, json.dumps(document, indent=1) + "\n")


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
