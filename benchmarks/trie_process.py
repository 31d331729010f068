"""Measurements of one trie, each made in a process of its own: `measure_in_new_process`."""

from __future__ import annotations

import gc
import multiprocessing
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from angel_hf import NameTrie
from benchmarks.nested_dict import build_nested_dict

END_TOKEN_ID = 2
_OPENINGS = 25


def cpu_seconds(trie: str, token_ids: np.ndarray, offsets: np.ndarray) -> float:
    """CPU seconds to build a trie from an input that is there already, in the form that the trie takes."""
    build: Callable[[], object]
    if trie == "name-trie":
        build = lambda: NameTrie.build(token_ids, offsets)  # noqa: E731
    else:
        sequences = list(lists_of_ids(token_ids, offsets))
        if trie == "name-trie-from-lists":
            build = lambda: NameTrie.from_sequences(sequences)  # noqa: E731
        else:
            build = lambda: build_nested_dict(sequences, END_TOKEN_ID)  # noqa: E731
    gc.collect()
    # Python's collector looks at millions of new dicts again and again in vain; a careful user turns it off.
    if trie == "nested-dict-without-gc":
        gc.disable()
    start = time.process_time()
    built = build()
    seconds = time.process_time() - start
    del built  # only now: freeing it is not building it
    return seconds


def traced_bytes(trie: str, token_ids: np.ndarray, offsets: np.ndarray) -> tuple[int, int]:
    """What a trie holds, and the most that was held while it was built, by tracemalloc: Python's and numpy's memory."""
    gc.collect()
    tracemalloc.start()
    built = _build_alone(trie, token_ids, offsets)
    gc.collect()
    found = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del built
    return found


def resident_bytes(trie: str, token_ids: np.ndarray, offsets: np.ndarray) -> int | None:
    """How much the process grew by, in RAM; None where the system does not report it as Linux does."""
    gc.collect()
    before = _resident_bytes()
    built = _build_alone(trie, token_ids, offsets)
    gc.collect()
    after = _resident_bytes()
    del built
    return None if before is None or after is None else after - before


def wall_seconds_to_open(file: Path) -> tuple[list[float], list[float]]:
    """Seconds to open a saved trie and to expand its root: the first time in this process, and again and again."""
    opening, expanding = [], []
    for _ in range(_OPENINGS):
        start = time.perf_counter()
        trie, _metadata = NameTrie.load(file)
        opened = time.perf_counter()
        trie.expand(np.array([trie.root]))
        expanding.append(time.perf_counter() - opened)
        opening.append(opened - start)
    return opening, expanding


def lists_of_ids(token_ids: np.ndarray, offsets: np.ndarray) -> Iterator[list[int]]:
    """The names as the tokenizer gives them, made lazily."""
    block = 10_000
    for first in range(0, len(offsets) - 1, block):
        bounds = offsets[first : first + block + 1].tolist()
        flat = token_ids[bounds[0] : bounds[-1]].tolist()
        for start, end in zip(bounds, bounds[1:]):
            yield flat[start - bounds[0] : end - bounds[0]]


def _build_alone(trie: str, token_ids: np.ndarray, offsets: np.ndarray) -> object:
    """The trie and nothing else: lists are made on the way and go, but for what the trie keeps of them."""
    if trie == "name-trie":
        return NameTrie.build(token_ids, offsets)[0]
    return build_nested_dict(lists_of_ids(token_ids, offsets), END_TOKEN_ID)


def _resident_bytes() -> int | None:
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def measure(what: str, trie: str, file: Path) -> dict[str, Any]:
    """Take one measurement in this process.

    Args:
        what: "time", "traced" or "resident"; or "open", for which `file` is a saved trie.
        trie: "name-trie", "name-trie-from-lists", "nested-dict" or "nested-dict-without-gc".
        file: the token ids of all names laid end to end (`token_ids`) and their `offsets` (.npz).
    """
    if what == "open":
        opening, expanding = wall_seconds_to_open(file)
        return {"open_seconds": opening, "expand_root_seconds": expanding}
    with np.load(file) as arrays:
        token_ids, offsets = arrays["token_ids"], arrays["offsets"]
    if what == "time":
        return {"cpu_seconds": cpu_seconds(trie, token_ids, offsets)}
    if what == "traced":
        held, peak = traced_bytes(trie, token_ids, offsets)
        return {"held_bytes": held, "peak_bytes": peak}
    return {"resident_bytes": resident_bytes(trie, token_ids, offsets)}


def measure_in_new_process(what: str, trie: str, file: Path) -> dict[str, Any]:
    """As `measure`, in a process that has imported this file and done nothing else."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([__name__])  # the imports, torch's among them, once and not for every process
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(measure, what, trie, file).result()
