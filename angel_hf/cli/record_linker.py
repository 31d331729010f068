"""Records linked as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from angel_hf.cli.linker import Linker
from angel_hf.cli.search_flags import SearchFlags
from angel_hf.formats.records import LinkedRecord, Record
from angel_hf.formats.rejected import Rejected
from angel_hf.jobs.refusal import answered_or_refused
from angel_hf.types import Linked, Mention

_BATCHES_AHEAD = 8
_MOST_RECORDS_AHEAD = 1000


@dataclass(frozen=True, slots=True)
class RecordLinker:
    """Links records in their order, with a bounded number of them in memory.

    Args:
        linker: the model.
        search: how names are searched for.
        batch_size: mentions at once.
        expand: write the abbreviations in a mention out where its text defines them.
    """

    linker: Linker
    search: SearchFlags
    batch_size: int
    expand: bool = True

    def link(self, records: Iterable[Record | Rejected]) -> Iterator[LinkedRecord | Rejected]:
        """Each record linked, or rejected with its cause."""
        for chunk in _chunks(records, self.batch_size * _BATCHES_AHEAD):
            yield from self._link_chunk(chunk)

    def _link_chunk(self, chunk: list[Record | Rejected]) -> Iterator[LinkedRecord | Rejected]:
        records = [item for item in chunk if isinstance(item, Record)]
        answers = iter(answered_or_refused(records, self._link_records))
        for item in chunk:
            answer = next(answers) if isinstance(item, Record) else item
            yield Rejected(item.line, str(answer), item.raw) if isinstance(answer, ValueError) else answer

    def _link_records(self, records: Sequence[Record]) -> list[LinkedRecord]:
        """Link the mentions of records together.

        Raises:
            ValueError: one of them cannot be linked.
        """
        answers = iter(self._link_mentions([mention for record in records for mention in record.mentions]))
        linked_records = []
        for record in records:
            own = [next(answers) for _ in record.mentions]
            linked = tuple(Linked(mention, one.candidates) for mention, one in zip(record.mentions, own))
            linked_records.append(LinkedRecord(record, linked, tuple(one.mention.surface for one in own)))
        return linked_records

    def _link_mentions(self, mentions: list[Mention]) -> list[Linked]:
        # Here, so that help loads no library.
        from angel_hf.annotation import expand_abbreviations

        if not mentions:
            return []
        return self.linker.link(
            expand_abbreviations(mentions) if self.expand else mentions,
            top_k=self.search.top_k,
            search=self.search.search,
            batch_size=self.batch_size,
            context_tokens=self.search.context_tokens,
        )


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
