"""`angel link`: records with given mentions in, concepts out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from angel_hf.cli import options
from angel_hf.cli.document_inputs import DocumentInputs, refuse_file_as_text
from angel_hf.cli.document_linker import DocumentLinker
from angel_hf.cli.failure import InputError, failures_reported
from angel_hf.cli.linker import Dtype, DtypeOption, load_linker, mapped_ids_of
from angel_hf.cli.outcome import finish, finished, progress_of, rejected_path, say
from angel_hf.cli.search_flags import BatchSize, ContextTokens, NumBeams, TopK, VerbatimFirst, build_search
from angel_hf.cli.sink import RejectedFile, check_output, open_output
from angel_hf.cli.table import TableWriter
from angel_hf.formats.answers import LinkedWriter, MappedIds
from angel_hf.formats.document import Document
from angel_hf.formats.jsonl import is_utf8
from angel_hf.formats.marked_sentences import find_mentions, sentence_document
from angel_hf.formats.output_formats import LinkedFormat, format_of_name, linked_writer
from angel_hf.formats.pubtator_writer import Annotations
from angel_hf.formats.reading import Offsets, Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.text.reading import parse_marked

_Sentence = Annotated[
    str | None,
    typer.Argument(help="A sentence with each mention marked: 'a case of [[ataxia]]'.", show_default=False),
]
_MentionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mention",
        help="A mention in a SENTENCE without marks: the first whole word or words spelled so; given twice, the "
        "second too.",
        show_default=False,
    ),
]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="A file, written whole; default: standard output.", show_default=False),
]
_OutputFormat = Annotated[
    LinkedFormat | None,
    typer.Option(
        help="Default: by the ending of --output (.pubtator, .xml, .jsonl), table on a terminal, else jsonl.",
        show_default=False,
    ),
]
_AnnotationsOption = Annotated[
    Annotations,
    typer.Option(
        "--annotations",
        help="In PubTator output: replace the given identifiers, or keep them and add each answer on a line below, "
        "of type TYPE:linked.",
    ),
]


def link(
    sentence: _Sentence = None,
    mention: _MentionOption = None,
    input_file: options.Input = None,
    input_format: options.InputFormat = None,
    offsets: options.OffsetsOption = Offsets.CODE_POINTS,
    output: _Output = None,
    output_format: _OutputFormat = None,
    annotations: _AnnotationsOption = Annotations.REPLACE,
    rejected: options.RejectedPath = None,
    model: options.Model = "angel-mini",
    revision: options.Revision = None,
    knowledge_base: options.KnowledgeBasePath = None,
    top_k: TopK = 5,
    num_beams: NumBeams = 10,
    batch_size: BatchSize = 32,
    context_tokens: ContextTokens = None,
    verbatim_first: VerbatimFirst = False,
    as_written: options.AsWritten = False,
    dtype: DtypeOption = Dtype.FLOAT32,
    device: options.Device = "auto",
) -> None:
    """Link given mentions to concepts.

    Give a SENTENCE, a file, a folder, or standard input. Mentions are given by JSON lines, {"text": ..., "spans":
    [[start, end], ...]} with any other keys, which are kept (jsonl); by annotated documents (pubtator, bioc, brat); or
    by sentences with [[mention]] marks, one a line (marked). Parquet is for angel bulk.

    Exit code 0: all was linked; 1: some records were rejected and the others linked; 2: nothing could be done.
    """
    with failures_reported():
        search = build_search(top_k, num_beams, context_tokens, verbatim_first)
        form = _output_format(output, output_format, annotations)
        target = _Target(output, form, rejected, annotations, offsets)

        def linker() -> DocumentLinker:
            return DocumentLinker(
                load_linker(model, knowledge_base, revision, device, dtype), search, batch_size, expand=not as_written
            )

        if sentence is not None:
            unheard = {"--input": input_file, "--input-format": input_format, "--rejected": rejected}
            options.refuse_unheard(unheard, "with a sentence")
            _link_sentence(_sentence_document(sentence, mention), target, linker)
            return
        if mention:
            raise InputError("--mention was given without a sentence; expected angel link SENTENCE --mention MENTION")
        inputs = DocumentInputs.open(input_file, input_format, Reading(offsets=offsets), _NOTHING)
        raise typer.Exit(_link_inputs(inputs, target, linker))


_NOTHING = "nothing to link; expected a sentence with [[mention]] marks, --input FILE, or standard input"


@dataclass(frozen=True, slots=True)
class _Target:
    """Where answers and rejected records go, and how."""

    path: Path | None
    form: LinkedFormat
    rejected: Path | None
    annotations: Annotations
    offsets: Offsets

    def writer(self, opened: ExitStack, mapped_ids: MappedIds) -> LinkedWriter:
        stream = opened.enter_context(open_output(self.path))
        if self.form is LinkedFormat.TABLE:
            return TableWriter(stream, mapped_ids)
        return linked_writer(self.form, stream, self.annotations, self.offsets, mapped_ids)


def _output_format(output: Path | None, form: LinkedFormat | None, annotations: Annotations) -> LinkedFormat:
    named = format_of_name(output)
    if form is None and named is not None:
        if named not in set(LinkedFormat):
            known = ", ".join(one.value for one in LinkedFormat)
            raise InputError(f"{output}: angel link does not write {named}; expected {known}, see --output-format")
        form = LinkedFormat(named)
    if form is None:
        form = LinkedFormat.TABLE if output is None and sys.stdout.isatty() else LinkedFormat.JSONL
    if annotations is Annotations.KEEP and form is not LinkedFormat.PUBTATOR:
        raise InputError(f"--annotations keep is for PubTator output; the output is {form.value}: leave it out")
    if output is not None:
        check_output(output)
    return form


def _sentence_document(sentence: str, surfaces: list[str] | None) -> Document:
    if not is_utf8(sentence):
        raise InputError(f"the sentence is {sentence!r:.80}; expected UTF-8 text")
    try:
        return sentence_document(find_mentions(sentence, surfaces) if surfaces else parse_marked(sentence))
    except ValueError as error:
        refuse_file_as_text(sentence)
        raise InputError(str(error)) from None


def _link_sentence(document: Document, target: _Target, load: Callable[[], DocumentLinker]) -> None:
    linker = load()
    (answer,) = linker.link([document])
    if isinstance(answer, Rejected):
        raise InputError(answer.cause.removeprefix(f"document {document.document_id}: "))
    with ExitStack() as opened:
        writer = target.writer(opened, mapped_ids_of(linker.linker))
        writer.write(answer)
        writer.close()


def _link_inputs(inputs: DocumentInputs, target: _Target, load: Callable[[], DocumentLinker]) -> int:
    """Link the documents of all inputs; returns the exit code."""
    if target.path is not None:
        inputs.check_output(target.path)
    aside = RejectedFile(rejected_path(target.rejected, target.path, inputs))
    linker = load()
    return finished(aside, lambda: _link_all(linker, inputs, target, aside))


def _link_all(linker: DocumentLinker, inputs: DocumentInputs, target: _Target, aside: RejectedFile) -> int:
    with ExitStack() as opened:
        writer = target.writer(opened, mapped_ids_of(linker.linker))
        # A bar among tables on the same terminal would tear both.
        bar = opened.enter_context(progress_of(inputs, "linking", target.path is None and sys.stdout.isatty()))
        documents = mentions = 0
        for result in linker.link(inputs.read()):
            if isinstance(result, Rejected):
                bar.reject(aside, result)
                continue
            writer.write(result)
            documents += 1
            mentions += len(result.linked)
            bar.update(documents, mentions)
        say(writer.close())
        return finish("linked", documents, mentions, aside)
