"""The model behind the command line: loaded from what the options say, and fed record by record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, cast

from angel_hf.cli.failure import InputError, describe_os_error
from angel_hf.cli.records import LinkedRecord, Record, Rejected
from angel_hf.mentions import expand_abbreviations
from angel_hf.search_options import PUBLISHED, SearchOptions
from angel_hf.types import Linked, Mention

_BATCHES_AHEAD = 8
_MOST_RECORDS_AHEAD = 1000


class Linker(Protocol):
    """What the command line needs of a model."""

    def link(
        self, mentions: list[Mention], *, top_k: int, num_beams: int, batch_size: int, options: SearchOptions
    ) -> list[Linked]:
        """Link mentions, the answers in the mentions' order."""


@dataclass(frozen=True, slots=True)
class Search:
    """How mentions are read and searched for.

    Args:
        top_k: names returned.
        num_beams: beams of the search.
        batch_size: mentions at once.
        options: departures from the published search.
        expand: write the abbreviations in a mention out where its text defines them.
    """

    top_k: int
    num_beams: int
    batch_size: int
    options: SearchOptions = PUBLISHED
    expand: bool = True


class Dtype(str, Enum):
    """The number format of weights and sums; float32 gives the published scores."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def load_linker(
    model: str,
    knowledge_base: Path | None,
    revision: str | None,
    device: str,
    dtype: Dtype = Dtype.FLOAT32,
) -> Linker:
    """Load a model, on another knowledge base if one is given.

    Raises:
        InputError: the model, the knowledge base or the device cannot be had.
    """
    import torch
    from transformers.utils import logging

    from angel_hf import AngelForEntityLinking, KnowledgeBase

    logging.disable_progress_bar()
    try:
        target = torch.device(_best_device() if device == "auto" else device)
        other = None if knowledge_base is None else KnowledgeBase.from_file(knowledge_base)
        loaded = AngelForEntityLinking.from_pretrained(
            model, knowledge_base=other, revision=revision, dtype=getattr(torch, dtype.value)
        )
        return cast(Linker, loaded.to(target).eval())
    except OSError as error:
        raise InputError(describe_os_error(error)) from None
    except (ValueError, ImportError, RuntimeError, AssertionError) as error:
        # torch reports an unknown device as RuntimeError and one it was not built for as AssertionError.
        raise InputError(str(error)) from None


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def link_records(
    linker: Linker, records: Iterable[Record | Rejected], search: Search
) -> Iterator[LinkedRecord | Rejected]:
    """Link records as they come, in their order, with a bounded number of them in memory."""
    for chunk in _chunks(records, search.batch_size * _BATCHES_AHEAD):
        yield from _link_chunk(linker, chunk, search)


def _chunks(items: Iterable[Record | Rejected], most_mentions: int) -> Iterator[list[Record | Rejected]]:
    """Groups that fill several batches, so that the model can put mentions of like length together."""
    chunk: list[Record | Rejected] = []
    mentions = 0
    for item in items:
        chunk.append(item)
        mentions += len(item.mentions) if isinstance(item, Record) else 0
        if mentions >= most_mentions or len(chunk) >= _MOST_RECORDS_AHEAD:
            yield chunk
            chunk, mentions = [], 0
    if chunk:
        yield chunk


def _link_chunk(linker: Linker, chunk: list[Record | Rejected], search: Search) -> Iterator[LinkedRecord | Rejected]:
    mentions = [mention for item in chunk if isinstance(item, Record) for mention in item.mentions]
    try:
        answers = iter(_link(linker, mentions, search))
    except ValueError as error:
        if len(chunk) == 1 and isinstance(chunk[0], Record):
            yield Rejected(chunk[0].line, str(error), chunk[0].raw)
            return
        # One mention of all cannot be linked: find its record, and link the others.
        for item in chunk:
            yield from _link_chunk(linker, [item], search)
        return
    for item in chunk:
        if isinstance(item, Record):
            own = [next(answers) for _ in item.mentions]
            linked = tuple(Linked(mention, one.candidates) for mention, one in zip(item.mentions, own))
            yield LinkedRecord(item, linked, tuple(one.mention.surface for one in own))
        else:
            yield item


def _link(linker: Linker, mentions: list[Mention], search: Search) -> list[Linked]:
    if not mentions:
        return []
    return linker.link(
        expand_abbreviations(mentions) if search.expand else mentions,
        top_k=search.top_k,
        num_beams=search.num_beams,
        batch_size=search.batch_size,
        options=search.options,
    )
