"""Building, holding and opening a trie of all names of a large knowledge base: NameTrie against a nested dict."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer

from angel_hf import AngelProcessor, KnowledgeBase, NameTrie
from angel_hf.formats.ontologies import read_concepts
from benchmarks.data import BenchmarkData
from benchmarks.timing import Ratio, Timing
from benchmarks.trie_process import measure_in_new_process

TIMED_TRIES = ("name-trie", "name-trie-from-lists", "nested-dict", "nested-dict-without-gc")
LEAST_TIME_RATIO, LEAST_MEMORY_RATIO, MOST_OPEN_SECONDS = 10.0, 30.0, 0.010


@dataclass(frozen=True)
class Memory:
    """Bytes of one trie.

    Attributes:
        held: by the built trie, traced.
        peak: the most held while it was built, traced.
        resident: growth of a process that built it, or None where the system does not report it.
    """

    held: int
    peak: int
    resident: int | None


@dataclass(frozen=True)
class TrieCost:
    """What was measured.

    Attributes:
        names: distinct spellings read; `entries` of them differ once normalised, and make the trie.
        read_seconds, tokenise_seconds: CPU time before any trie is built, part of no other number.
        build: CPU time to build each of TIMED_TRIES, repeats taken in turns, every one in a new process.
        memory: of "name-trie" and "nested-dict".
        open_seconds, expand_root_seconds: wall time, again and again in a new process, first time first.
    """

    files: tuple[str, ...]
    names: int
    entries: int
    tokens: int
    nodes: int
    read_seconds: float
    tokenise_seconds: float
    build: dict[str, Timing]
    memory: dict[str, Memory]
    file_bytes: int
    open_seconds: tuple[float, ...]
    expand_root_seconds: tuple[float, ...]

    @property
    def time_ratio(self) -> Ratio:
        """How many times faster NameTrie is built than the nested dict."""
        return Ratio.of(self.build["name-trie"], self.build["nested-dict"])

    @property
    def memory_ratio(self) -> float:
        """How many times as much the nested dict holds."""
        return self.memory["nested-dict"].held / self.memory["name-trie"].held

    @property
    def open_median(self) -> float:
        """Median wall seconds to open the file."""
        return statistics.median(self.open_seconds)


def measure_trie(
    data: BenchmarkData, repeats: int, most_names: int | None, progress: Callable[[str], None]
) -> TrieCost:
    """Read and tokenise the names, then measure every trie in processes of their own, one at a time.

    Args:
        data: where the names are, and whose tokenizer reads them.
        repeats: builds of each trie.
        most_names: use only the first this many, for a quick run.
        progress: called with a line of text at each stage.
    """
    progress(f"trie: reading {', '.join(file.name for file in data.trie_names)}")
    start = time.process_time()
    knowledge_base = _read(data.trie_names)
    names = list(itertools.islice(knowledge_base.entry_names(), most_names))
    read_seconds = time.process_time() - start
    progress(f"trie: tokenising {len(names):,} names")
    processor = AngelProcessor(AutoTokenizer.from_pretrained(data.reference))
    start = time.process_time()
    token_ids, offsets = _tokenise(processor, names)
    tokenise_seconds = time.process_time() - start
    with tempfile.TemporaryDirectory() as directory:
        ids_file = Path(directory, "ids.npz")
        np.savez(ids_file, token_ids=token_ids, offsets=offsets)
        trie = NameTrie.build(token_ids, offsets)[0]
        trie_file = trie.save(directory)
        build = _build_times(ids_file, repeats, progress)
        memory = {trie: _memory(trie, ids_file, progress) for trie in ("name-trie", "nested-dict")}
        opened = measure_in_new_process("open", "name-trie", trie_file)
        file_bytes = trie_file.stat().st_size
    return TrieCost(
        files=tuple(file.name for file in data.trie_names),
        names=knowledge_base.num_names,
        entries=len(names),
        tokens=len(token_ids),
        nodes=trie.num_nodes,
        read_seconds=read_seconds,
        tokenise_seconds=tokenise_seconds,
        build=build,
        memory=memory,
        file_bytes=file_bytes,
        open_seconds=tuple(opened["open_seconds"]),
        expand_root_seconds=tuple(opened["expand_root_seconds"]),
    )


def _read(files: Sequence[Path]) -> KnowledgeBase:
    """One knowledge base of several files of one format."""
    read = [read_concepts(file) for file in files]
    return KnowledgeBase.from_concepts(itertools.chain.from_iterable(concepts for concepts, _ in read), read[0][1])


def _tokenise(processor: AngelProcessor, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Token ids of all names laid end to end, int32, and their offsets, int64 [names + 1]."""
    parts, lengths = [], [np.zeros(1, dtype=np.int64)]
    for block in _blocks(names, 50_000):
        encoded = processor.encode_names(block)
        parts.append(np.fromiter(itertools.chain.from_iterable(encoded), dtype=np.int32))
        lengths.append(np.fromiter(map(len, encoded), dtype=np.int64))
    return np.concatenate(parts), np.cumsum(np.concatenate(lengths))


def _blocks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (names[first : first + size] for first in range(0, len(names), size))


def _build_times(ids_file: Path, repeats: int, progress: Callable[[str], None]) -> dict[str, Timing]:
    seconds: dict[str, list[float]] = {trie: [] for trie in TIMED_TRIES}
    for repeat in range(repeats):
        progress(f"trie: building {', '.join(TIMED_TRIES)}, {repeat + 1} of {repeats}")
        for trie, own in seconds.items():
            own.append(measure_in_new_process("time", trie, ids_file)["cpu_seconds"])
    return {trie: Timing(tuple(own)) for trie, own in seconds.items()}


def _memory(trie: str, ids_file: Path, progress: Callable[[str], None]) -> Memory:
    progress(f"trie: memory of {trie}")
    traced = measure_in_new_process("traced", trie, ids_file)
    resident = measure_in_new_process("resident", trie, ids_file)["resident_bytes"]
    return Memory(traced["held_bytes"], traced["peak_bytes"], resident)
