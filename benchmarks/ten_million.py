"""`python -m benchmarks.ten_million`: a knowledge base the size of the UMLS, built, opened and linked to.

Every figure is of a process of its own; memory is the most that the process ever had resident (VmHWM of Linux), what
the imports and the model take included unless said otherwise.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import multiprocessing
import os
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angel_hf import AngelForEntityLinking, KnowledgeBase, NameTrie
from angel_hf.text_file import write_json
from benchmarks.data import find_data
from benchmarks.machine import this_machine
from benchmarks.search_speed import NUM_BEAMS, golden_mentions
from benchmarks.synthetic_names import write_synthetic
from benchmarks.timing import Ratio, Timing, in_turns

FORMAT = "angel-ten-million-1"
FEW_NAMES = 100_000
MOST_BUILD_BYTES, MOST_TRIE_BYTES, MOST_OPEN_SECONDS, MOST_LINK_BYTES, MOST_SLOWDOWN = 6e9, 600e6, 1.0, 1.5e9, 1.1


@dataclass(frozen=True)
class Build:
    """From a Parquet file to a saved model; wall and CPU seconds, the latter of all threads.

    Attributes:
        read_seconds: to read, normalise and lay out the names.
        set_seconds: to tokenise them and to build the trie.
    """

    names: int
    entries: int
    concepts: int
    nodes: int
    read_seconds: float
    set_seconds: float
    save_seconds: float
    cpu_seconds: float
    peak_bytes: int
    knowledge_base_file_bytes: int
    trie_file_bytes: int


@dataclass(frozen=True)
class Opening:
    """Wall seconds, again and again in one process, first time first.

    Attributes:
        map_seconds: to open the files of the knowledge base and of the trie.
        model_seconds: to load a model with them, its weights and tokenizer included, all checks made.
        model_alone_seconds: the same with a knowledge base of one name.
    """

    map_seconds: tuple[float, ...]
    model_seconds: tuple[float, ...]
    model_alone_seconds: tuple[float, ...]

    @property
    def names_seconds(self) -> float:
        """What the names add to loading a model, by the medians."""
        return statistics.median(self.model_seconds) - statistics.median(self.model_alone_seconds)


@dataclass(frozen=True)
class Residence:
    """Bytes resident after linking, and the most while loading and linking."""

    after: int
    peak: int


@dataclass(frozen=True)
class Scale:
    """What was measured; `slowdown` is CPU time of search among all names by that among `few_names` of them."""

    build: Build
    opening: Opening
    linking: Residence
    linking_one_name: Residence
    few_names: int
    search: Timing
    search_few: Timing

    @property
    def slowdown(self) -> Ratio:
        """How many times longer the search takes among all names."""
        return Ratio.of(self.search, self.search_few)

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
        }


# Each runs in a process of its own.


def build(reference: Path, names: Path, output: Path) -> Build:
    """Read names, set them on a model, save it."""
    start = time.perf_counter()
    knowledge_base = KnowledgeBase.from_file(names)
    read = time.perf_counter()
    model = AngelForEntityLinking.from_pretrained(reference).eval()
    loaded = time.perf_counter()
    model.set_knowledge_base(knowledge_base)
    set_ = time.perf_counter()
    model.save_pretrained(output)
    saved = time.perf_counter()
    assert model.knowledge_base is not None and model.trie is not None, "they were set"
    knowledge_base = model.knowledge_base
    return Build(
        names=knowledge_base.num_names,
        entries=knowledge_base.num_entries,
        concepts=knowledge_base.num_concepts,
        nodes=model.trie.num_nodes,
        read_seconds=read - start,
        set_seconds=set_ - loaded,
        save_seconds=saved - set_,
        cpu_seconds=time.process_time(),
        peak_bytes=resident_bytes("VmHWM"),
        knowledge_base_file_bytes=(output / "knowledge_base.safetensors").stat().st_size,
        trie_file_bytes=(output / "trie.safetensors").stat().st_size,
    )


def build_few(reference: Path, names: Path, output: Path, few: int) -> None:
    """A model of the same kind of names, as many as asked for: those of concepts drawn evenly from all."""
    whole = KnowledgeBase.load(names)
    step = max(1, whole.num_entries // few)
    chosen = {str(entry): [whole.entry_name(entry)] for entry in range(0, whole.num_entries, step)}
    model = AngelForEntityLinking.from_pretrained(reference).eval()
    model.set_knowledge_base(KnowledgeBase.from_names(chosen))
    model.save_pretrained(output)


def open_files(model: Path, model_alone: Path, repeats: int) -> Opening:
    """Open the files alone, and load models with and without them, in turns."""
    mapped: list[float] = []
    loaded: dict[Path, list[float]] = {model: [], model_alone: []}
    for _ in range(repeats):
        start = time.perf_counter()
        opened = KnowledgeBase.load(model), NameTrie.load(model)
        mapped.append(time.perf_counter() - start)
        del opened
        for path, seconds in loaded.items():
            start = time.perf_counter()
            AngelForEntityLinking.from_pretrained(path)
            seconds.append(time.perf_counter() - start)
            gc.collect()
    return Opening(tuple(mapped), tuple(loaded[model]), tuple(loaded[model_alone]))


def link(model: Path, reference: Path) -> Residence:
    """Load a model and search every mention."""
    linker = AngelForEntityLinking.from_pretrained(model).eval()
    assert linker.knowledge_base is not None, "the model was saved with one"
    for hypotheses in _search(linker, reference):
        for hypothesis in hypotheses:
            linker.knowledge_base.entry_concept_ids(hypothesis.name_index)
    return Residence(resident_bytes("VmRSS"), resident_bytes("VmHWM"))


def time_searches(model: Path, few: Path, reference: Path, repeats: int) -> tuple[tuple[float, ...], ...]:
    """CPU seconds of search among all names and among few, in turns, after one search of each."""
    linkers = [AngelForEntityLinking.from_pretrained(path).eval() for path in (model, few)]
    tasks: list[Callable[[], object]] = [lambda linker=linker: _search(linker, reference) for linker in linkers]  # type: ignore[misc]
    in_turns(tasks, 1)
    return tuple(in_turns(tasks, repeats))


def _search(linker: AngelForEntityLinking, reference: Path) -> list[Any]:
    mentions = golden_mentions(reference)
    return linker.search(
        [mention.encoder_ids for mention in mentions], [mention.prefix_ids for mention in mentions], NUM_BEAMS, 32
    )


def resident_bytes(field: str) -> int:
    """VmRSS, what is resident now, or VmHWM, the most that ever was; Linux alone tells."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


# In this process


def measure_scale(
    names: int, seed: int, repeats: int, folder: Path, progress: Callable[[str], None], parquet: Path | None = None
) -> Scale:
    """Make names, build, open, link and search.

    Args:
        names: how many that differ once normalised.
        seed: of the combinations.
        repeats: openings, and searches of each knowledge base.
        folder: for the files, which stay there; a few times as large as the names.
        progress: is told what is going on.
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
    built = _alone(build, data.reference, parquet, whole)
    few_names = min(FEW_NAMES, names)
    progress(f"{built}\nbuilding models of {few_names:,} of the names and of one")
    _alone(build_few, data.reference, whole, few, few_names)
    _alone(build_few, data.reference, whole, alone, 1)
    progress("opening")
    opening = _alone(open_files, whole, alone, repeats)
    progress(f"{opening}\nlinking")
    residence = [_alone(link, path, data.reference) for path in (whole, alone)]
    progress(f"{residence}\nsearching")
    seconds = _alone(time_searches, whole, few, data.reference, repeats)
    work = len(golden_mentions(data.reference))
    searches = [Timing(own, work) for own in seconds]
    return Scale(built, opening, residence[0], residence[1], few_names, searches[0], searches[1])


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
            f"{1 / scale.slowdown.median:.3f} times the CPU seconds, target <= 1.1: {met['search']}",
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
    scale = measure_scale(options.names, options.seed, options.repeats, options.folder, _tell, options.parquet)
    print_scale(scale)
    if options.output is not None:
        document = {
            "format": FORMAT,
            "command": shlex.join(["python", "-m", "benchmarks.ten_million", *sys.argv[1:]]),
            "seed": options.seed,
            "machine": dataclasses.asdict(this_machine()),
        }
        write_json(options.output, document | {"scale": scale_document(scale)})


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
