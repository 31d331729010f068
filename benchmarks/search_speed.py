"""Mentions per CPU second: our search against transformers' `generate`, same model, same names, same mentions."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from transformers import BartForConditionalGeneration

from angel_hf import AngelForEntityLinking, Hypothesis, KnowledgeBase
from angel_hf.search import BeamSearch
from angel_hf.types import Question
from benchmarks.data import BenchmarkData
from benchmarks.nested_dict import build_nested_dict
from benchmarks.our_search import search_ids
from benchmarks.timing import Ratio, Timing, in_turns_by_blocks
from benchmarks.transformers_search import TransformersSearch

NUM_BEAMS = 10
_LEAST_BLOCK = 4  # mentions that each search answers before the next search starts


@dataclass(frozen=True)
class GoldenMention:
    """A mention in ids, with the names that the published code finds for it."""

    encoder_ids: list[int]
    prefix_ids: list[int]
    names: list[tuple[int, ...]]


@dataclass(frozen=True)
class Searches:
    """The searches over one model and one set of names: ours, and transformers' with tuned and with default options."""

    ours: AngelForEntityLinking
    theirs: TransformersSearch
    theirs_by_default: TransformersSearch

    @property
    def functions(self) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
        """The three searches, each of source ids, prefix ids, beams and batch size."""
        return partial(search_ids, self.ours), self.theirs.search, self.theirs_by_default.search


@dataclass(frozen=True)
class Agreement:
    """How many of the mentions got the same answer.

    Attributes:
        mentions: how many were compared.
        first: of ours and theirs, tuned, the same best name.
        first_by_default: of ours and theirs with default options, the same best name.
        all_names: of ours and theirs, tuned, the same ten names in the same order.
        golden: of ours and the published code, the same ten names in the same order.
    """

    mentions: int
    first: int
    first_by_default: int
    all_names: int
    golden: int


@dataclass(frozen=True)
class Contest:
    """One comparison; `target` is the least ratio to meet.

    Attributes:
        theirs, theirs_by_default: `generate` with tuned and with default options.
    """

    our_batch_size: int
    their_batch_size: int
    mentions: int
    ours: Timing
    theirs: Timing
    theirs_by_default: Timing
    target: float

    @property
    def ratio(self) -> Ratio:
        """Our speed by theirs, tuned."""
        return Ratio.of(self.ours, self.theirs)

    @property
    def ratio_by_default(self) -> Ratio:
        """Our speed by theirs with default options."""
        return Ratio.of(self.ours, self.theirs_by_default)


@dataclass(frozen=True)
class SearchSpeed:
    """All measurements; the counts of sources and names show the size of the work."""

    model: str
    parameters: int
    names: int
    mean_source_tokens: float
    agreement: Agreement
    contests: tuple[Contest, ...]


def measure_search(
    data: BenchmarkData, repeats: int, copies: int, seed: int, progress: Callable[[str], None]
) -> SearchSpeed:
    """Measure the searches in turns.

    Args:
        data: where the model, its names and its mentions are.
        repeats: measurements of each search.
        copies: of every mention, so that batches are full; batch 1 sees each mention once.
        seed: of the order of mentions; every search sorts them by itself.
        progress: called with a line of text at each stage.
    """
    progress("search: loading the model and building both tries")
    searches = load_searches(data.reference, KnowledgeBase.from_file(data.reference_names))
    mentions = golden_mentions(data.reference)
    progress(f"search: comparing the answers to {len(mentions)} mentions")
    agreement = compare_answers(searches, mentions)
    shuffled = mentions * copies
    random.Random(seed).shuffle(shuffled)
    contests = []
    for ours, theirs, rows, target in ((80, 16, shuffled, 4.0), (1, 1, mentions, 2.0)):
        progress(f"search: {repeats} times {len(rows)} mentions, batches of {ours} against {theirs}")
        contests.append(hold(searches, rows, ours, theirs, repeats, target))
    assert searches.ours.trie is not None, "load_searches gives a knowledge base"
    return SearchSpeed(
        model=data.reference.name,
        parameters=searches.ours.num_parameters(),
        names=searches.ours.trie.num_names,
        mean_source_tokens=sum(len(mention.encoder_ids) for mention in mentions) / len(mentions),
        agreement=agreement,
        contests=tuple(contests),
    )


def load_searches(reference: Path, knowledge_base: KnowledgeBase) -> Searches:
    """Load the model twice, as ours and as plain BART, each with its own trie of the same names."""
    ours = AngelForEntityLinking.from_pretrained(reference, knowledge_base=knowledge_base).eval()
    assert ours.processor is not None, "from_pretrained attaches a processor"
    sequences = ours.processor.encode_names(list(knowledge_base.entry_names()))
    plain = BartForConditionalGeneration.from_pretrained(reference, dtype=torch.float32).eval()
    trie = build_nested_dict(sequences, plain.config.eos_token_id)
    tuned = TransformersSearch(plain, trie, longest_name=max(map(len, sequences)))
    return Searches(ours, tuned, TransformersSearch(plain, trie))


def golden_mentions(reference: Path) -> list[GoldenMention]:
    """The mentions of a reference model's golden.json."""
    mentions = json.loads((reference / "golden.json").read_text(encoding="utf-8"))["mentions"]
    return [
        GoldenMention(
            encoder_ids=mention["input_ids"],
            prefix_ids=mention["decoder_prefix_ids"],
            names=[tuple(hypothesis["tokens"]) for hypothesis in mention["hyps"]],
        )
        for mention in mentions
    ]


def compare_answers(searches: Searches, mentions: Sequence[GoldenMention]) -> Agreement:
    """Search every mention with each."""
    rows = ids_of(mentions)
    ours, theirs, theirs_by_default = (
        [[name.token_ids for name in found] for found in search(encoder_ids, prefix_ids, NUM_BEAMS)]
        for search in searches.functions
    )
    return Agreement(
        mentions=len(mentions),
        first=sum(our[:1] == their[:1] for our, their in zip(ours, theirs)),
        first_by_default=sum(our[:1] == their[:1] for our, their in zip(ours, theirs_by_default)),
        all_names=sum(our == their for our, their in zip(ours, theirs)),
        golden=sum(our == mention.names for our, mention in zip(ours, mentions)),
    )


def hold(
    searches: Searches, mentions: Sequence[GoldenMention], ours: int, theirs: int, repeats: int, target: float
) -> Contest:
    """Search the mentions with each, in turns, in batches of `ours` and `theirs`, some full batches at a time."""
    encoder_ids, prefix_ids = ids_of(mentions)

    def part(search: Callable[..., Any], batch_size: int, which: slice) -> None:
        search(encoder_ids[which], prefix_ids[which], NUM_BEAMS, batch_size)

    work = len(mentions)
    sizes = (ours, theirs, theirs)
    tasks = [partial(part, search, size) for search, size in zip(searches.functions, sizes, strict=True)]
    seconds = in_turns_by_blocks(tasks, work, max(math.lcm(ours, theirs), _LEAST_BLOCK), repeats)
    our_timing, tuned, by_default = (Timing(own, work) for own in seconds)
    return Contest(ours, theirs, work, our_timing, tuned, by_default, target)


def ids_of(mentions: Sequence[GoldenMention]) -> tuple[list[list[int]], list[list[int]]]:
    """Source ids and prefix ids of mentions."""
    return [mention.encoder_ids for mention in mentions], [mention.prefix_ids for mention in mentions]


def find_names(
    model: AngelForEntityLinking,
    encoder_ids: Sequence[Sequence[int]],
    prefix_ids: Sequence[Sequence[int]],
    num_beams: int = NUM_BEAMS,
    batch_size: int = 32,
) -> list[Sequence[Hypothesis]]:
    """The published search of a model: for each mention its names, best first.

    Args:
        model: with a trie.
        encoder_ids: of the sources.
        prefix_ids: of the decoder, without its start token.
        num_beams: also the names of each mention.
        batch_size: as for `link`.
    """
    start = model.config.decoder_start_token_id
    questions = [Question(source, [start, *prefix]) for source, prefix in zip(encoder_ids, prefix_ids, strict=True)]
    return model.answer(questions, BeamSearch(num_beams), num_beams, batch_size)
