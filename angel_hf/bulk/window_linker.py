"""The linking of one window."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pyarrow

from angel_hf.annotation import TokenClassificationDetector, expand_abbreviations
from angel_hf.annotation.annotator import Annotator
from angel_hf.bulk.documents import Document, RejectedRow, read_documents
from angel_hf.bulk.job import Options
from angel_hf.bulk.shard import Shard, linked_table, rejected_table
from angel_hf.jobs.refusal import answered_or_refused
from angel_hf.model.entity_linking import AngelForEntityLinking
from angel_hf.results import Annotated
from angel_hf.search.answer_cache import AnswerCache
from angel_hf.types import Mention

_BATCHES_AT_ONCE = 64


class WindowLinker:
    """Links windows with one model; what a window becomes depends on no other window.

    Args:
        model: with a knowledge base.
        options: those of the run.
    """

    def __init__(self, model: AngelForEntityLinking, options: Options) -> None:
        # A view, which may remember answers of its own.
        self._model = copy.copy(model)
        self._options = options
        # Late and only here, since the names of a large knowledge base take memory.
        self._annotator: Annotator | None = None
        if options.detect:
            tagger = options.detector
            detector = None if tagger is None else TokenClassificationDetector.from_pretrained(tagger)
            self._annotator = Annotator(
                self._model,
                detector,
                expand=options.expand,
                search=options.search,
                context_tokens=options.context_tokens,
            )

    def link(self, rows: pyarrow.Table, file: str, first_row: int) -> Shard:
        """Link the rows of a window.

        Args:
            rows: as `RowReader` gives them.
            file: its name, for the rejected rows.
            first_row: of the window, in the file.
        """
        if self._options.context_tokens == 0:
            # Mentions read alone repeat. They are remembered within a window only, since a shard must not depend on the
            # windows before it.
            self._model.answer_cache = AnswerCache()
        read = list(read_documents(rows, self._options))
        rejected = [one for one in read if isinstance(one, RejectedRow)]
        documents = self._detected([one for one in read if isinstance(one, Document)])
        owners = [(document.row, mention) for document in documents for mention in document.mentions]
        answers = self._answers([mention for _, mention in owners])
        # A document with a mention that cannot be linked is rejected whole, and named by the first of them.
        refused = {row: answer for (row, _), answer in reversed([*zip(owners, answers)]) if isinstance(answer, str)}
        rejected += [RejectedRow(row, cause) for row, cause in refused.items()]
        found = [
            (row, part)
            for (row, _), answer in zip(owners, answers)
            if row not in refused and not isinstance(answer, str)
            for part in answer
        ]
        return Shard(
            linked_table(rows, found, self._options, self._model.confidence is not None),
            rejected_table(rows, sorted(rejected, key=lambda one: one.row), self._options.columns.id, file, first_row),
        )

    def _detected(self, documents: list[Document]) -> list[Document]:
        if self._annotator is None:
            return documents
        found = self._annotator.detector.detect([document.text for document in documents])
        return [Document(one.row, one.text, tuple(mentions)) for one, mentions in zip(documents, found)]

    def _answers(self, mentions: Sequence[Mention]) -> list[list[Annotated] | str]:
        """For each mention its parts as they were linked, or why it cannot be."""
        # Long texts together, over the borders of documents; the model puts what it gets in exact order. It gets a
        # bounded number at once, since token ids take much more memory than the texts that documents share.
        order = sorted(range(len(mentions)), key=lambda place: len(mentions[place].text))
        answers: list[list[Annotated] | str] = [""] * len(mentions)
        size = self._options.batch_size * _BATCHES_AT_ONCE
        for first in range(0, len(order), size):
            block = order[first : first + size]
            # The model refuses before it searches, so that no mention is searched for twice.
            for place, answer in zip(block, answered_or_refused([mentions[place] for place in block], self._linked)):
                if isinstance(answer, ValueError):
                    answers[place] = f"{mentions[place].surface[:60]!r}: {answer}"
                else:
                    answers[place] = answer
        return answers

    def _linked(self, mentions: Sequence[Mention]) -> list[list[Annotated]]:
        options, confidence = self._options, self._model.confidence
        if self._annotator is not None:
            return self._annotator.annotate_mentions(mentions, options.top_k, options.batch_size)
        # A confidence must not depend on `top_k`, so it sees all that the search finds.
        names = options.top_k if confidence is None else options.search.num_beams
        read = expand_abbreviations(mentions) if options.expand else mentions
        linked = self._model.link(read, names, options.search, options.batch_size, options.context_tokens)
        return [
            [
                Annotated(
                    mention,
                    one.candidates[: options.top_k],
                    one.mention.surface,
                    None if confidence is None else confidence.probability(one),
                    one.best is None,
                )
            ]
            for mention, one in zip(mentions, linked)
        ]
