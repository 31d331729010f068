"""`python -m benchmarks.base_search --output FILE`: search on a model of BART-base's shape.

CPU seconds of one thread, in turns with transformers' generate over a nested dict; a profile with its share of the peak
rate of matrix products, which are measured between its passes; the same search in bfloat16 and int8; and two threads
against one in wall seconds, for which the machine must be idle.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # before the first import of numpy and torch
    for variable in (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
    ):
        os.environ[variable] = "1"

import torch
from transformers.utils import logging

from angel_hf import AngelConfig, AngelForEntityLinking, KnowledgeBase
from angel_hf.jobs.text_file import write_json
from angel_hf.model.low_precision import Precision, fast_precisions, in_low_precision
from benchmarks.base_shaped import base_shaped_bart
from benchmarks.data import BenchmarkData, find_data
from benchmarks.machine import Machine, this_machine
from benchmarks.nested_dict import build_nested_dict
from benchmarks.our_search import search_ids
from benchmarks.search_profile import PARTS, Peak, Profile, profile_searches
from benchmarks.search_speed import (
    NUM_BEAMS,
    Agreement,
    Contest,
    GoldenMention,
    Searches,
    compare_answers,
    find_names,
    golden_mentions,
    hold,
    ids_of,
)
from benchmarks.thread_scaling import Threads, compare_threads
from benchmarks.timing import Ratio, Timing, in_turns
from benchmarks.transformers_search import TransformersSearch

FORMAT = "angel-base-search-1"
_BATCH, _PROFILED_BATCH = 32, 96
_COMPARED = 8  # mentions whose answers are compared
# A shared machine's speed changes from second to second: what is compared takes turns, and the median counts.
_LEAST_REPEATS, _LEAST_THREAD_REPEATS = 9, 5
LEAST_RATIO, LEAST_RATIO_ALONE, LEAST_PEAK_SHARE, LEAST_THREAD_RATIO = 3.2, 2.0, 0.8, 1.8


@dataclass(frozen=True)
class LowPrecision:
    """The same search with less exact weights, in turns with that in float32.

    Attributes:
        precision: as `in_low_precision` calls it.
        batch_size: of both.
        float32, low: CPU seconds of every repeat.
        same_first: mentions whose first name is the same.
    """

    precision: Precision
    batch_size: int
    float32: Timing
    low: Timing
    same_first: int

    @property
    def ratio(self) -> Ratio:
        """How many times faster it is."""
        return Ratio.of(self.low, self.float32)


@dataclass(frozen=True)
class BaseSearch:
    """What was measured; contests are at batch 32 against 16, and at batch 1.

    Attributes:
        peak, profile: of the repeat with the median share.
        peak_shares: of each repeat.
    """

    machine: Machine
    mentions: int
    parameters: int
    agreement: Agreement
    contests: tuple[Contest, ...]
    peak: Peak
    profile: Profile
    peak_shares: tuple[float, ...]
    threads: Threads
    precisions: tuple[LowPrecision, ...]

    @property
    def peak_share(self) -> float:
        """Operations a second of the whole search, by that of the faster products; median of the repeats."""
        return _share(self.profile, self.peak)


def measure_base_search(
    data: BenchmarkData, most_mentions: int, repeats: int, progress: Callable[[str], None]
) -> BaseSearch:
    """Make the model and measure everything.

    Args:
        data: the small model that is tiled, its names and its mentions.
        most_mentions: only the first this many are used.
        repeats: of every search.
        progress: called with a line of text at each stage.
    """
    progress("making the model and both tries")
    machine = this_machine()
    searches = load_base_shaped(data)
    mentions = golden_mentions(data.reference)[:most_mentions]
    compared = mentions[:_COMPARED]
    progress(f"comparing the answers to {len(compared)} mentions")
    agreement = compare_answers(searches, compared)
    contests = []
    for ours, theirs, target in ((_BATCH, 16, LEAST_RATIO), (1, 1, LEAST_RATIO_ALONE)):
        progress(f"{repeats} times {len(mentions)} mentions, batches of {ours} against {theirs}")
        contests.append(hold(searches, mentions, ours, theirs, repeats, target))
    progress("profile, peak and threads")
    # Repeated until a batch is full, as batches of a long run are.
    full = (mentions * math.ceil(_PROFILED_BATCH / len(mentions)))[:_PROFILED_BATCH]
    profiles = profile_searches(searches.ours, full, _PROFILED_BATCH, max(repeats, _LEAST_REPEATS))
    profile, peak = sorted(profiles, key=lambda one: _share(*one))[len(profiles) // 2]
    return BaseSearch(
        machine=machine,
        mentions=len(mentions),
        parameters=searches.ours.num_parameters(),
        agreement=agreement,
        contests=tuple(contests),
        peak=peak,
        profile=profile,
        peak_shares=tuple(_share(*one) for one in profiles),
        threads=compare_threads(searches.ours, full[: 2 * _BATCH], _BATCH, max(repeats, _LEAST_THREAD_REPEATS)),
        precisions=tuple(compare_precisions(searches.ours, mentions, repeats, fast_precisions())),
    )


def load_base_shaped(data: BenchmarkData) -> Searches:
    """The tiled model as ours and as plain BART, with the names of the reference in tries of their own."""
    names = KnowledgeBase.from_file(data.reference_names)
    small = AngelForEntityLinking.from_pretrained(data.reference, knowledge_base=names)
    assert small.processor is not None and small.knowledge_base is not None, "from_pretrained attaches both"
    plain = base_shaped_bart(data.reference)
    shape = plain.config.to_dict() | {"prefix_end_token_id": small.config.prefix_end_token_id}
    shape.pop("model_type")
    ours = AngelForEntityLinking(AngelConfig(**shape)).eval()
    ours.load_state_dict(plain.state_dict())
    ours.trie, ours.knowledge_base = small.trie, small.knowledge_base
    sequences = small.processor.encode_names(list(small.knowledge_base.entry_names()))
    nested = build_nested_dict(sequences, plain.config.eos_token_id)
    tuned = TransformersSearch(plain, nested, longest_name=max(map(len, sequences)))
    return Searches(ours, tuned, TransformersSearch(plain, nested))


def compare_precisions(
    model: AngelForEntityLinking, mentions: Sequence[GoldenMention], repeats: int, precisions: tuple[Precision, ...]
) -> Iterator[LowPrecision]:
    """Search the mentions with less exact weights, in a batch and one by one."""
    if not precisions:
        return
    models = [model, *(in_low_precision(model, precision) for precision in precisions)]
    for batch_size in (32, 1):
        firsts: list[list[int]] = [[] for _ in models]

        def search(number: int, batch_size: int = batch_size, firsts: list[list[int]] = firsts) -> None:
            answers = search_ids(models[number], *ids_of(mentions), NUM_BEAMS, batch_size)
            firsts[number] = [names[0].name_index for names in answers]

        tasks = [partial(search, number) for number in range(len(models))]
        in_turns(tasks, 1)
        float32, *others = (Timing(seconds, len(mentions)) for seconds in in_turns(tasks, repeats))
        for precision, low, own in zip(precisions, others, firsts[1:]):
            same = sum(one == other for one, other in zip(own, firsts[0], strict=True))
            yield LowPrecision(precision, batch_size, float32, low, same)


def _share(profile: Profile, peak: Peak) -> float:
    return profile.rate / peak.best


def targets(found: BaseSearch) -> dict[str, bool]:
    """Which targets were met."""
    batch, alone = found.contests
    return {
        f"batch 32 at least {LEAST_RATIO}x generate at 16": batch.ratio_by_default.median >= LEAST_RATIO,
        f"batch 1 at least {LEAST_RATIO_ALONE}x generate at 1": alone.ratio_by_default.median >= LEAST_RATIO_ALONE,
        f"at least {LEAST_PEAK_SHARE:.0%} of the peak": found.peak_share >= LEAST_PEAK_SHARE,
        f"two threads at least {LEAST_THREAD_RATIO}x one": found.threads.ratio >= LEAST_THREAD_RATIO,
    }


def print_base_search(found: BaseSearch) -> None:
    """Print to standard output."""
    print(
        f"{found.machine.cpu}, load {found.machine.load}, one thread, {found.parameters / 1e6:.0f}M parameters, "
        f"{found.mentions} mentions; the first name of {found.agreement.first_by_default} of "
        f"{found.agreement.mentions} is that of generate"
    )
    for contest in found.contests:
        ratio, tuned = contest.ratio_by_default, contest.ratio
        print(
            f"  batch {contest.our_batch_size}: {contest.ours.rate:.2f} mentions a CPU second; generate at batch "
            f"{contest.their_batch_size}: {contest.theirs_by_default.rate:.2f}; {ratio.median:.2f}x "
            f"({ratio.least:.2f} - {ratio.most:.2f}), with options tuned {tuned.median:.2f}x"
        )
    profile, peak = found.profile, found.peak
    shares = f"{found.peak_share:.0%} of the higher ({min(found.peak_shares):.0%} - {max(found.peak_shares):.0%})"
    total = sum(profile.seconds.values())
    print(f"  profile at batch {profile.batch_size}, milliseconds a mention:")
    for part in PARTS:
        own = profile.seconds[part]
        print(f"    {part:<24}{1e3 * own / profile.mentions:8.2f}  {own / total:6.1%}")
    packed = "unavailable" if peak.packed is None else f"{peak.packed / 1e9:.0f}"
    print(
        f"  GFLOP/s: search {profile.rate / 1e9:.0f}; peak of torch.mm {peak.matmul / 1e9:.0f}, with packed weights "
        f"{packed}; {shares}, {profile.rate / peak.matmul:.0%} of torch.mm's"
    )
    scaling = found.threads
    print(
        f"  two threads, {_BATCH} mentions each: {scaling.ratio:.2f}x one; products that share nothing: "
        f"{scaling.ratio_of_products:.2f}x"
    )
    for low in found.precisions:
        print(
            f"  {low.precision}, batch {low.batch_size}: {low.ratio.median:.2f}x float32 ({low.ratio.least:.2f} - "
            f"{low.ratio.most:.2f}); the first name of {low.same_first} is the same"
        )
    for target, met in targets(found).items():
        print(f"  {target}: {'met' if met else 'NOT MET'}")


def write_base_search(path: Path, found: BaseSearch) -> None:
    """Write everything as JSON, whole or not at all; times in seconds."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "command": shlex.join(["python", "-m", "benchmarks.base_search", *sys.argv[1:]]),
    }
    document |= dataclasses.asdict(found)
    document["ratios_by_default"] = [dataclasses.asdict(contest.ratio_by_default) for contest in found.contests]
    document["ratios_of_precisions"] = [dataclasses.asdict(low.ratio) for low in found.precisions]
    document |= {"peak_share": found.peak_share, "thread_ratio": found.threads.ratio}
    document |= {"thread_ratio_of_products": found.threads.ratio_of_products, "targets": targets(found)}
    write_json(path, document)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.base_search", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, help="JSON")
    parser.add_argument("--data", type=Path, help="folder with reference/small; else as for python -m benchmarks")
    parser.add_argument("--mentions", type=int, default=32, help="at most")
    parser.add_argument("--repeats", type=int, default=3, help="of profiles at least 9, of threads 5")
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    data = find_data(options.data)
    if not data.has_reference:
        parser.exit(2, f"error: {data.substitutes[0]}; this measurement needs reference/small: give --data\n")
    found = measure_base_search(data, options.mentions, options.repeats, lambda line: print(line, file=sys.stderr))
    print_base_search(found)
    if options.output is not None:
        write_base_search(options.output, found)


if __name__ == "__main__":
    main()
