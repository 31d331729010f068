"""The model behind the command line: loaded from what the options say, and fed record by record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, cast

from angel_hf.annotation import expand_abbreviations
from angel_hf.cli.failure import InputError, describe_os_error
from angel_hf.cli.records import LinkedRecord, Record, Rejected
from angel_hf.jobs.refusal import answered_or_refused
from angel_hf.search.options import PUBLISHED, SearchOptions
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
    INT8 = "int8"


def load_linker(
    model: str,
    knowledge_base: Path | None,
    revision: str | None,
    device: str,
    dtype: Dtype = Dtype.FLOAT32,
) -> Linker:
    """Load a model, on another knowledge base if one is given.

    Raises:
        InputError: the model, the knowledge base or the device cannot be had, or there is nothing to link to.
    """
    import torch
    from transformers.utils import logging

    from angel_hf import AngelForEntityLinking, KnowledgeBase
    from angel_hf.model.low_precision import in_low_precision

    logging.disable_progress_bar()
    try:
        target = torch.device(_best_device() if device == "auto" else device)
        other = None if knowledge_base is None else KnowledgeBase.from_file(knowledge_base)
        number = torch.float32 if dtype is Dtype.INT8 else getattr(torch, dtype.value)
        loaded = AngelForEntityLinking.from_pretrained(model, knowledge_base=other, revision=revision, dtype=number)
        if loaded.knowledge_base is None:
            raise InputError(f"{model}: has no knowledge base to link to; name one with --knowledge-base")
        loaded = loaded.to(target).eval()
        return cast(Linker, in_low_precision(loaded, "int8") if dtype is Dtype.INT8 else loaded)
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
    records = [item for item in chunk if isinstance(item, Record)]
    answers = iter(answered_or_refused(records, lambda some: _linked(linker, some, search)))
    for item in chunk:
        answer = next(answers) if isinstance(item, Record) else item
        yield Rejected(item.line, str(answer), item.raw) if isinstance(answer, ValueError) else answer


def _linked(linker: Linker, records: Sequence[Record], search: Search) -> list[LinkedRecord]:
    """Link the mentions of records together.

    Raises:
        ValueError: one of them cannot be linked.
    """
    answers = iter(_link(linker, [mention for record in records for mention in record.mentions], search))
    linked_records = []
    for record in records:
        own = [next(answers) for _ in record.mentions]
        linked = tuple(Linked(mention, one.candidates) for mention, one in zip(record.mentions, own))
        linked_records.append(LinkedRecord(record, linked, tuple(one.mention.surface for one in own)))
    return linked_records


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
