"""How speed and memory change with the size of a batch, with the beams and with the names, beside transformers' own."""

from __future__ import annotations

import copy
import itertools
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from transformers import BartForConditionalGeneration

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.model.angel_bart import AngelBart
from benchmarks.counted_work import CountedWork, count_operators, count_work
from benchmarks.data import REPOSITORY
from benchmarks.nested_dict import build_nested_dict
from benchmarks.search_speed import find_names
from benchmarks.synthetic_names import synthetic_concepts
from benchmarks.timing import Timing, in_turns
from benchmarks.transformers_search import TransformersSearch
from benchmarks.trie_cost import Memory
from benchmarks.trie_process import measure_in_new_process

EXAMPLE = REPOSITORY / "angel_hf" / "assets" / "examples" / "ncbi-disease.pubtator"
BATCH_SIZE, THEIR_BATCH_SIZE, NUM_BEAMS = 32, 16, 10
OURS, THEIRS = "angel_hf", "transformers"

Ids = tuple[list[list[int]], list[list[int]]]
"""Sources and prefixes."""


@dataclass(frozen=True)
class Extent:
    """How far the sweeps go; `most_their_names` bounds the nested dict, of which each name takes a kilobyte."""

    batch_sizes: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    their_batch_sizes: tuple[int, ...] = (1, 4, 16, 64)
    beams: tuple[int, ...] = (1, 2, 5, 10, 20)
    names: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    most_their_names: int = 100_000
    repeats: int = 3


QUICK = Extent((1, 4, 16), (1, 16), (2, 10), (1_000, 10_000), 10_000, 1)


@dataclass(frozen=True)
class Point:
    """The speed of one search at one place of a sweep.

    Attributes:
        series: OURS or THEIRS.
        at: batch size, beams or names.
        timing: work in mentions.
    """

    series: str
    at: int
    timing: Timing


@dataclass(frozen=True)
class MemoryPoint:
    """The memory of `names` names: as `NameTrie`, with the size of its file, and as nested dict."""

    names: int
    tokens: int
    file_bytes: int
    name_trie: Memory
    nested_dict: Memory


@dataclass(frozen=True)
class Sweeps:
    """What was measured.

    Attributes:
        mentions: distinct ones; batches larger than one repeat some.
        mean_source_tokens: of a mention.
        names: of the model's own knowledge base, used where the sweep is not over names.
        work: counted, of ours at BATCH_SIZE, for all mentions once.
        their_operations: floating-point operations of `generate` at THEIR_BATCH_SIZE for the same mentions.
    """

    model: str
    parameters: int
    names: int
    mentions: int
    mean_source_tokens: float
    by_batch_size: tuple[Point, ...]
    by_beams: tuple[Point, ...]
    by_names: tuple[Point, ...]
    memory: tuple[MemoryPoint, ...]
    work: CountedWork
    their_operations: int


@dataclass(frozen=True)
class _Trial:
    """One search at one place, before it is measured."""

    series: str
    at: int
    search: Callable[[], object]
    mentions: int


def measure_sweeps(model_name: str, extent: Extent, seed: int, progress: Callable[[str], None]) -> Sweeps:
    """Measure everything; the points of a sweep take turns.

    Args:
        model_name: embedded model or folder, with a knowledge base.
        extent: places and repeats.
        seed: of the order of mentions and of made names.
        progress: called with a line of text at each stage.

    Raises:
        ValueError: the model has no knowledge base.
    """
    model = AngelForEntityLinking.from_pretrained(model_name).eval()
    if model.processor is None or model.knowledge_base is None or model.trie is None:
        raise ValueError(f"{model_name}: has no knowledge base; expected one, whose names are what sweeps begin with")
    mentions = example_mentions()
    once: Ids = model.processor.encode_mentions(mentions)
    rows = _copies(once, max(extent.batch_sizes), seed)
    plain = plain_bart(model)
    peer = _peer(plain, model)
    progress(f"sweep over batch sizes: {extent.batch_sizes}, theirs {extent.their_batch_sizes}")
    trials = [_ours(model, once if size == 1 else rows, size, size, NUM_BEAMS) for size in extent.batch_sizes]
    trials += [_theirs(peer, once if size == 1 else rows, size, size, NUM_BEAMS) for size in extent.their_batch_sizes]
    by_batch_size = _measure(trials, extent.repeats)
    progress(f"sweep over beams: {extent.beams}")
    trials = [_ours(model, rows, beams, BATCH_SIZE, beams) for beams in extent.beams]
    # With one beam `generate` is another search, that of the likeliest token.
    trials += [_theirs(peer, rows, beams, THEIR_BATCH_SIZE, beams) for beams in extent.beams if beams > 1]
    by_beams = _measure(trials, extent.repeats)
    progress(f"sweep over names: {extent.names}")
    models = [_with_names(model_name, own) for own in name_lists(model.knowledge_base, extent.names, seed)]
    trials = [_ours(own, rows, _names(own), BATCH_SIZE, NUM_BEAMS) for own in models]
    trials += [
        _theirs(_peer(plain, own), rows, _names(own), THEIR_BATCH_SIZE, NUM_BEAMS)
        for own in models
        if _names(own) <= extent.most_their_names
    ]
    by_names = _measure(trials, extent.repeats)
    del trials
    progress("memory by names, in new processes")
    memory = tuple(_memory(own) for own in models)
    progress("counted work")
    return Sweeps(
        model=model_name,
        parameters=model.num_parameters(),
        names=model.trie.num_names,
        mentions=len(mentions),
        mean_source_tokens=sum(map(len, once[0])) / len(mentions),
        by_batch_size=by_batch_size,
        by_beams=by_beams,
        by_names=by_names,
        memory=memory,
        work=count_work(lambda: find_names(model, *once, NUM_BEAMS, BATCH_SIZE)),
        their_operations=count_operators(lambda: peer.search(*once, NUM_BEAMS, THEIR_BATCH_SIZE)).operations,
    )


def example_mentions() -> list[Mention]:
    """The annotated mentions of the abstracts that ship with the package."""
    return [
        Mention(document.text, annotation.start, annotation.end)
        for document in read_pubtator(EXAMPLE)
        for annotation in document.annotations
    ]


def name_lists(knowledge_base: KnowledgeBase, counts: Sequence[int], seed: int) -> Iterator[list[str]]:
    """About as many names as each count: some of the knowledge base's, or all and combinations of their words."""
    real = list(knowledge_base.entry_names())
    for count in counts:
        if count <= len(real):
            yield real[:: len(real) // count][:count]
        else:
            made = itertools.chain.from_iterable(concept.names for concept in synthetic_concepts(real, seed))
            yield [*real, *itertools.islice(made, count - len(real))]


def plain_bart(model: AngelForEntityLinking) -> AngelBart:
    """The same weights in a model whose `generate` is transformers' own."""
    config = copy.deepcopy(model.config)
    config.use_cache = True  # without it `generate` computes every beam's past anew at every step
    plain = AngelBart(config).eval()
    plain.load_state_dict(model.state_dict())
    return plain


def _peer(plain: AngelBart, model: AngelForEntityLinking) -> TransformersSearch:
    """`generate` with tuned options over the model's names."""
    assert model.trie is not None, "it was given names"
    sequences = model.trie.sequences()
    trie = build_nested_dict(sequences, cast(int, plain.config.eos_token_id))
    return TransformersSearch(cast(BartForConditionalGeneration, plain), trie, longest_name=max(map(len, sequences)))


def _ours(model: AngelForEntityLinking, rows: Ids, at: int, batch_size: int, beams: int) -> _Trial:
    return _Trial(OURS, at, lambda: find_names(model, *rows, beams, batch_size), len(rows[0]))


def _theirs(peer: TransformersSearch, rows: Ids, at: int, batch_size: int, beams: int) -> _Trial:
    return _Trial(THEIRS, at, lambda: peer.search(*rows, beams, batch_size), len(rows[0]))


def _measure(trials: Sequence[_Trial], repeats: int) -> tuple[Point, ...]:
    seconds = in_turns([trial.search for trial in trials], repeats)
    return tuple(
        Point(trial.series, trial.at, Timing(own, trial.mentions)) for trial, own in zip(trials, seconds, strict=True)
    )


def _copies(rows: Ids, least: int, seed: int) -> Ids:
    """Rows repeated until they fill the largest batch, in mixed order."""
    order = list(range(len(rows[0]))) * -(-least // len(rows[0]))
    random.Random(seed).shuffle(order)
    return [rows[0][row] for row in order], [rows[1][row] for row in order]


def _with_names(model_name: str, names: list[str]) -> AngelForEntityLinking:
    knowledge_base = KnowledgeBase.from_names({str(number): [name] for number, name in enumerate(names)})
    return AngelForEntityLinking.from_pretrained(model_name, knowledge_base=knowledge_base).eval()


def _names(model: AngelForEntityLinking) -> int:
    assert model.trie is not None, "it was given names"
    return model.trie.num_names


def _memory(model: AngelForEntityLinking) -> MemoryPoint:
    assert model.trie is not None, "it was given names"
    sequences = model.trie.sequences()
    offsets = np.cumsum([0, *map(len, sequences)])
    token_ids = np.fromiter(itertools.chain.from_iterable(sequences), dtype=np.uint16, count=int(offsets[-1]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "ids.npz")
        np.savez(file, token_ids=token_ids, offsets=offsets)
        name_trie, nested_dict = (_memory_of(trie, file) for trie in ("name-trie", "nested-dict"))
        file_bytes = model.trie.save(folder).stat().st_size
    return MemoryPoint(model.trie.num_names, len(token_ids), file_bytes, name_trie, nested_dict)


def _memory_of(trie: str, file: Path) -> Memory:
    traced = measure_in_new_process("traced", trie, file)
    resident = measure_in_new_process("resident", trie, file)["resident_bytes"]
    return Memory(traced["held_bytes"], traced["peak_bytes"], resident)
