"""What is measured on a knowledge base the size of the UMLS, each function in a process of its own.

Memory is the most that the process ever had resident (VmHWM of Linux), imports and model included unless said
otherwise.
"""

from __future__ import annotations

import copy
import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from angel_hf import AngelForEntityLinking, KnowledgeBase, NameTrie
from benchmarks.counted_work import count_work
from benchmarks.search_speed import find_names, golden_mentions, ids_of
from benchmarks.timing import in_turns

_TOKENIZED = 200_000
"""Names that are tokenised in parallel and not."""


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
class Tokenizing:
    """Wall seconds of the same names, on one core and on all, in turns."""

    names: int
    alone: tuple[float, ...]
    parallel: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times faster on all: the median of the repeats."""
        return statistics.median(one / all_ for one, all_ in zip(self.alone, self.parallel, strict=True))


@dataclass(frozen=True)
class Update:
    """Concepts removed and then added again; wall seconds.

    Attributes:
        concepts, names: how many were removed.
        peak_bytes: of the process.
        equals_build: whether knowledge base and trie end equal, table for table, to those built from the same concepts.
    """

    concepts: int
    names: int
    remove_seconds: float
    add_seconds: float
    peak_bytes: int
    equals_build: bool


@dataclass(frozen=True)
class Searches:
    """CPU seconds of search among all names and among few of them, in turns, and rows of the decoder in one search."""

    all_seconds: tuple[float, ...]
    few_seconds: tuple[float, ...]
    all_rows: int
    few_rows: int


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
    """A model of `few` of the names, drawn evenly from all."""
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


def time_searches(model: Path, few: Path, reference: Path, repeats: int) -> Searches:
    """Search among all names and among few, in turns, after one search of each that counts its rows."""
    linkers = [AngelForEntityLinking.from_pretrained(path).eval() for path in (model, few)]
    tasks: list[Callable[[], object]] = [partial(_search, linker, reference) for linker in linkers]
    rows = [count_work(task).decoder_rows for task in tasks]
    seconds = in_turns(tasks, repeats)
    return Searches(seconds[0], seconds[1], rows[0], rows[1])


def time_tokenizing(model: Path, repeats: int) -> Tokenizing:
    """Tokenise names on one core and on all, in turns."""
    linker = AngelForEntityLinking.from_pretrained(model)
    assert linker.processor is not None and linker.knowledge_base is not None, "the model was saved with both"
    names = list(islice(linker.knowledge_base.entry_names(), _TOKENIZED))
    seconds: dict[str, list[float]] = {"false": [], "true": []}
    for _ in range(repeats):
        for parallel, own in seconds.items():
            os.environ["TOKENIZERS_PARALLELISM"] = parallel  # read in every call
            start = time.perf_counter()
            linker.processor.encode_names(names)
            own.append(time.perf_counter() - start)
    return Tokenizing(len(names), tuple(seconds["false"]), tuple(seconds["true"]))


def update(model: Path, changes: int) -> Update:
    """Remove the last `changes` concepts, and add them again."""
    linker = AngelForEntityLinking.from_pretrained(model)
    whole, built = copy.copy(linker), linker.knowledge_base
    assert built is not None, "the model was saved with it"
    last = range(max(1, built.num_concepts - changes), built.num_concepts)
    concepts = {concept.concept_id: concept.names for concept in (built.concept(built.concept_ids[at]) for at in last)}
    start = time.perf_counter()
    linker.update_knowledge_base(remove_concepts=concepts)
    removed = time.perf_counter()
    assert linker.knowledge_base is not None, "one concept stays"
    gone = built.num_names - linker.knowledge_base.num_names
    linker.update_knowledge_base(add=concepts)
    added = time.perf_counter()
    peak = resident_bytes("VmHWM")
    return Update(len(last), gone, removed - start, added - removed, peak, _have_same_names(linker, whole))


def _have_same_names(one: AngelForEntityLinking, other: AngelForEntityLinking) -> bool:
    """Whether knowledge bases and tries are the same, table for table."""
    found = [(own.knowledge_base, own.trie) for own in (one, other)]
    prints = {(names and names.fingerprint, trie and trie.fingerprint) for names, trie in found}
    return len(prints) == 1


def _search(linker: AngelForEntityLinking, reference: Path) -> list[Any]:
    return find_names(linker, *ids_of(golden_mentions(reference)))


def resident_bytes(field: str) -> int:
    """VmRSS, what is resident now, or VmHWM, the most that ever was; Linux only."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
