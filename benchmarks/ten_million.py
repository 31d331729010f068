"""`python -m benchmarks.ten_million`: a knowledge base the size of the UMLS, built, opened and linked to.

Every figure is of a process of its own; memory is the most that the process ever had resident (VmHWM of Linux), what
the imports and the model take included unless said otherwise.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import shlex
import statistics
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angel_hf.jobs.text_file import write_json
from benchmarks import scale_processes
from benchmarks.data import find_data
from benchmarks.machine import this_machine
from benchmarks.scale_processes import Build, Opening, Residence, Searches, Tokenizing, Update
from benchmarks.search_speed import golden_mentions
from benchmarks.synthetic_names import write_synthetic
from benchmarks.timing import Ratio, Timing

FORMAT = "angel-ten-million-1"
FEW_NAMES, CHANGES = 100_000, 1_000
MOST_BUILD_BYTES, MOST_TRIE_BYTES, MOST_OPEN_SECONDS, MOST_LINK_BYTES, MOST_SLOWDOWN = 6e9, 600e6, 1.0, 1.5e9, 1.1


@dataclass(frozen=True)
class Scale:
    """What was measured; `slowdown` is CPU time of search among all names by that among `few_names` of them."""

    build: Build
    opening: Opening
    linking: Residence
    linking_one_name: Residence
    few_names: int
    mentions: int
    searches: Searches
    tokenizing: Tokenizing
    update: Update

    @property
    def slowdown(self) -> Ratio:
        """How many times longer the search takes among all names."""
        return Ratio.of(
            Timing(self.searches.all_seconds, self.mentions), Timing(self.searches.few_seconds, self.mentions)
        )

    @property
    def row_ratio(self) -> float:
        """Rows that the decoder is given among all names, by those among few: the beams are others."""
        return self.searches.all_rows / self.searches.few_rows

    @property
    def link_bytes(self) -> int:
        """What the names add to the memory of a linking process, at its peak."""
        return self.linking.peak - self.linking_one_name.peak

    def met(self) -> dict[str, bool]:
        """Which targets are met."""
        return {
            "build_memory": self.build.peak_bytes < MOST_BUILD_BYTES,
            "trie_file": self.build.trie_file_bytes < MOST_TRIE_BYTES,
            "open": self.opening.names_seconds < MOST_OPEN_SECONDS,
            "linking_memory": self.link_bytes < MOST_LINK_BYTES,
            "search": 1 / self.slowdown.median <= MOST_SLOWDOWN,
            "update": self.update.equals_build and self.update.names > 0,
        }


def measure_scale(
    names: int, seed: int, repeats: int, folder: Path, progress: Callable[[str], None], parquet: Path | None = None
) -> Scale:
    """Make names, build, open, link and search.

    Args:
        names: how many that differ once normalised.
        seed: of the combinations.
        repeats: openings, and searches of each knowledge base.
        folder: for the files, which stay there; a few times as large as the names.
        progress: called with a line of text at each stage.
        parquet: names that `write_synthetic` wrote before, instead of making them.

    Raises:
        FileNotFoundError: the ontologies are not there.
    """
    data = find_data()
    if parquet is None:
        parquet = folder / "names.parquet"
        progress(f"making {names:,} names")
        _alone(write_synthetic, parquet, data.root / "data" / "kb", names, seed)
    whole, few, alone = folder / "whole", folder / "few", folder / "alone"
    progress("building and saving")
    built = _alone(scale_processes.build, data.reference, parquet, whole)
    few_names = min(FEW_NAMES, names)
    progress(f"{built}\nbuilding models of {few_names:,} of the names and of one")
    _alone(scale_processes.build_few, data.reference, whole, few, few_names)
    _alone(scale_processes.build_few, data.reference, whole, alone, 1)
    progress("opening")
    opening = _alone(scale_processes.open_files, whole, alone, repeats)
    progress(f"{opening}\nlinking")
    residence = [_alone(scale_processes.link, path, data.reference) for path in (whole, alone)]
    progress(f"{residence}\nsearching")
    searches = _alone(scale_processes.time_searches, whole, few, data.reference, repeats)
    progress(f"{searches}\ntokenising on one core and on all")
    tokenizing = _alone(scale_processes.time_tokenizing, whole, repeats)
    progress(f"{tokenizing}\nremoving and adding")
    update = _alone(scale_processes.update, whole, CHANGES)
    mentions = len(golden_mentions(data.reference))
    return Scale(built, opening, residence[0], residence[1], few_names, mentions, searches, tokenizing, update)


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        return executor.submit(function, *arguments).result()


def scale_document(scale: Scale) -> dict[str, Any]:
    """The measurement as JSON; seconds and bytes."""
    return dataclasses.asdict(scale) | {
        "names_seconds": scale.opening.names_seconds,
        "link_bytes": scale.link_bytes,
        "slowdown": 1 / scale.slowdown.median,
        "slowdown_range": [1 / scale.slowdown.most, 1 / scale.slowdown.least],
        "tokenizing_ratio": scale.tokenizing.ratio,
        "target": {
            "most_build_bytes": MOST_BUILD_BYTES,
            "most_trie_bytes": MOST_TRIE_BYTES,
            "most_open_seconds": MOST_OPEN_SECONDS,
            "most_link_bytes": MOST_LINK_BYTES,
            "most_slowdown": MOST_SLOWDOWN,
            "met": scale.met(),
        },
    }


def print_scale(scale: Scale) -> None:
    """The measurement for people."""
    built, met = scale.build, {name: "met" if was else "NOT MET" for name, was in scale.met().items()}
    mapped, steps = scale.opening.map_seconds, (built.read_seconds, built.set_seconds, built.save_seconds)
    rows = (
        ("names", f"{built.names:,} of {built.concepts:,} concepts, {built.entries:,} once normalised"),
        (
            "trie",
            f"{built.nodes:,} nodes, {built.trie_file_bytes / 1e6:,.0f} MB on disk, target < 600: {met['trie_file']}",
        ),
        ("knowledge base", f"{built.knowledge_base_file_bytes / 1e6:,.0f} MB on disk"),
        (
            "read, set, save",
            f"{', '.join(f'{one:.0f}' for one in steps)} s; {built.cpu_seconds:.0f} CPU s",
        ),
        ("peak memory of the build", f"{built.peak_bytes / 1e9:.2f} GB, target < 6: {met['build_memory']}"),
        (
            "files opened",
            f"{statistics.median(mapped):.3f} s, the first time {mapped[0]:.3f} s",
        ),
        ("names, of loading a model", f"{scale.opening.names_seconds:.2f} s, target < 1: {met['open']}"),
        ("names, of a linking process", f"{scale.link_bytes / 1e9:.2f} GB, target < 1.5: {met['linking_memory']}"),
        (
            f"search, by {scale.few_names:,} names",
            f"{1 / scale.slowdown.median:.3f} times the CPU seconds, target <= 1.1: {met['search']}; "
            f"{scale.row_ratio:.3f} times the decoder's rows",
        ),
        (
            "tokenising on all cores",
            f"{scale.tokenizing.ratio:.2f} times as fast as on one, {scale.tokenizing.names:,} names",
        ),
        (
            "removed and added again",
            f"{scale.update.concepts:,} concepts with {scale.update.names:,} names in "
            f"{scale.update.remove_seconds:.0f} and {scale.update.add_seconds:.0f} s, "
            f"{scale.update.peak_bytes / 1e9:.2f} GB; as built: {met['update']}",
        ),
    )
    for what, value in rows:
        print(f"{what:<30}{value}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ten_million", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--names", type=int, default=10_000_000, help="that differ once normalised")
    parser.add_argument("--seed", type=int, default=13, help="of the combinations")
    parser.add_argument("--repeats", type=int, default=5, help="openings and searches")
    parser.add_argument("--folder", type=Path, required=True, help="for the files, which stay there")
    parser.add_argument("--parquet", type=Path, help="names of an earlier run, instead of making them")
    parser.add_argument("--output", type=Path, help="JSON file")
    options = parser.parse_args()
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ[variable] = "1"  # for the processes that are started
    os.environ["TOKENIZERS_PARALLELISM"] = "true"  # which the suite has not, where one thread is measured
    scale = measure_scale(options.names, options.seed, options.repeats, options.folder, _report, options.parquet)
    print_scale(scale)
    if options.output is not None:
        document = {
            "format": FORMAT,
            "command": shlex.join(["python", "-m", "benchmarks.ten_million", *sys.argv[1:]]),
            "seed": options.seed,
            "machine": dataclasses.asdict(this_machine()),
        }
        write_json(options.output, document | {"scale": scale_document(scale)})


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
