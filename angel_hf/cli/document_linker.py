"""Documents whose given mentions are linked as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from angel_hf.cli.linker import Linker
from angel_hf.cli.search_flags import SearchFlags
from angel_hf.formats.answers import LinkedDocument
from angel_hf.formats.document import Document
from angel_hf.formats.rejected import Rejected
from angel_hf.jobs.refusal import answered_or_refused
from angel_hf.types import Linked, Mention

_BATCHES_AHEAD = 8
_MOST_DOCUMENTS_AHEAD = 1000


@dataclass(frozen=True, slots=True)
class DocumentLinker:
    """Links documents in their order, with a bounded number of them in memory.

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

    def link(self, documents: Iterable[Document | Rejected]) -> Iterator[LinkedDocument | Rejected]:
        """Each document linked, or rejected with its cause."""
        for chunk in _chunks(documents, self.batch_size * _BATCHES_AHEAD):
            yield from self._link_chunk(chunk)

    def _link_chunk(self, chunk: list[Document | Rejected]) -> Iterator[LinkedDocument | Rejected]:
        documents = [item for item in chunk if isinstance(item, Document)]
        answers = iter(answered_or_refused(documents, self._link_documents))
        for item in chunk:
            if isinstance(item, Rejected):
                yield item
                continue
            answer = next(answers)
            if isinstance(answer, ValueError):
                yield item.rejected(str(answer))
            else:
                yield answer

    def _link_documents(self, documents: Sequence[Document]) -> list[LinkedDocument]:
        """Link the mentions of documents together.

        Raises:
            ValueError: one of them cannot be linked.
        """
        mentions = [[Mention(one.text, a.start, a.end) for a in one.annotations or ()] for one in documents]
        answers = iter(self._link_mentions([mention for own in mentions for mention in own]))
        linked_documents = []
        for document, own in zip(documents, mentions):
            found = [next(answers) for _ in own]
            linked = tuple(Linked(mention, one.candidates) for mention, one in zip(own, found))
            linked_documents.append(LinkedDocument(document, linked, tuple(one.mention.surface for one in found)))
        return linked_documents

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


def _chunks(items: Iterable[Document | Rejected], most_mentions: int) -> Iterator[list[Document | Rejected]]:
    """Groups that fill several batches, so that the model can put mentions of like length together."""
    chunk: list[Document | Rejected] = []
    mentions = 0
    for item in items:
        chunk.append(item)
        mentions += len(item.annotations or ()) if isinstance(item, Document) else 0
        if mentions >= most_mentions or len(chunk) >= _MOST_DOCUMENTS_AHEAD:
            yield chunk
            chunk, mentions = [], 0
    if chunk:
        yield chunk
