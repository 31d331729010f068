"""`angel annotate`: raw text in, linked mentions out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from tqdm import tqdm

from angel_hf.cli.annotated_output import STREAM_WRITERS, AnnotatedFormat, AnnotatedWriter, BratWriter
from angel_hf.cli.failure import ALL_DONE, SOME_REJECTED, InputError, failures_reported
from angel_hf.cli.jsonl import is_utf8
from angel_hf.cli.linker import load_linker
from angel_hf.cli.sink import open_output
from angel_hf.cli.texts import TextFormat, read_texts, standard_input, text_files
from angel_hf.formats.document import TextDocument
from angel_hf.jobs.refusal import answered_or_refused

if TYPE_CHECKING:
    from angel_hf.annotation.annotator import Annotator

_DOCUMENTS_AT_ONCE = 16


def annotate(
    text: Annotated[str | None, typer.Argument(help="A text to annotate.", show_default=False)] = None,
    input_path: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", help="A file, .gz too, or a folder of files; nothing: standard input.", show_default=False
        ),
    ] = None,
    input_format: Annotated[
        TextFormat | None,
        typer.Option(help="Default: by the ending .txt, .jsonl, .pubtator, .xml or .json.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A file, or for brat a folder; default: standard output.", show_default=False
        ),
    ] = None,
    output_format: Annotated[AnnotatedFormat, typer.Option(help="html is drawn by displaCy.")] = AnnotatedFormat.JSONL,
    precision: Annotated[
        float | None,
        typer.Option(help="Where the model's confidence cannot promise it, answer NIL (-1).", show_default=False),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="A token-classification model that finds the mentions. Default: the knowledge base's names are looked "
            "up.",
            show_default=False,
        ),
    ] = None,
    semantic_type: Annotated[
        list[str] | None,
        typer.Option(help="Only concepts of this semantic type; may be given more than once.", show_default=False),
    ] = None,
    below: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this concept and those under it, as D009369; may be given more than once.", show_default=False
        ),
    ] = None,
    mention_type: Annotated[str, typer.Option(help="The type that mentions get in the output.")] = "Disease",
    model: Annotated[str, typer.Option(help="angel-mini, a folder, or a Hub repository.")] = "angel-mini",
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit of a Hub repository.", show_default=False)
    ] = None,
    knowledge_base: Annotated[
        Path | None, typer.Option(help="Link to this knowledge base, not to the model's own.", show_default=False)
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="Candidates for each mention.")] = 5,
    num_beams: Annotated[int, typer.Option(min=1, help="Beams of the search, not fewer than candidates.")] = 10,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
) -> None:
    """Find the mentions of texts and link them to concepts.

    Give a TEXT, a file, a folder, or standard input. Abbreviations that a text defines are written out before they are
    linked, and composite mentions ("breast and ovarian cancer") are linked part by part; offsets count characters of
    the text as it came.

    Exit code 0: all was annotated; 1: some files could not be read, or some documents not be annotated, and the others
    were; 2: nothing could be done.
    """
    with failures_reported():
        if top_k > num_beams:
            raise InputError(
                f"--top-k {top_k} with --num-beams {num_beams}; expected at least as many beams as candidates"
            )
        if output is None and output_format is AnnotatedFormat.BRAT:
            raise InputError("--output-format brat writes two files a document; name a folder with --output")
        if text is not None and input_path is not None:
            raise InputError("both a text and --input were given; expected one of them")
        if text is not None and not is_utf8(text):
            raise InputError(f"the text is {text!r:.80}; expected UTF-8")
        inputs = _Inputs(text, input_path, input_format)
        linker = load_linker(model, knowledge_base, revision, device)
        annotator = _annotator(linker, precision, detector, semantic_type or (), below or ())
        with ExitStack() as opened:
            writer = _writer(output_format, output, mention_type, opened)
            mentions = _run(annotator, inputs, writer, top_k, num_beams)
            writer.close()
        done = f"annotated {mentions:,} mentions in {inputs.done - inputs.refused:,} documents"
        if text is None:
            failed = f"; {inputs.failed:,} files could not be read" if inputs.failed else ""
            refused = f"; {inputs.refused:,} documents could not be annotated" if inputs.refused else ""
            typer.echo(f"{done}{failed}{refused}", err=True)
        raise typer.Exit(SOME_REJECTED if inputs.failed or inputs.refused else ALL_DONE)


@dataclass
class _Inputs:
    """The documents to annotate, and how many there were; what is bad is told and passed over, if it is not all."""

    text: str | None
    path: Path | None
    form: TextFormat | None
    done: int = 0
    failed: int = 0
    refused: int = 0

    def documents(self) -> Iterator[TextDocument]:
        if self.text is not None:
            yield TextDocument.of_text("text", self.text)
        elif self.path is None or str(self.path) == "-":
            yield standard_input()
        else:
            files = text_files(self.path)
            for file in tqdm(files, unit="file", desc="annotating", file=sys.stderr, disable=None):
                try:
                    yield from read_texts(file, self.form)
                except InputError as error:
                    if len(files) == 1:
                        raise
                    self.failed += 1
                    tqdm.write(f"passed over: {error}", file=sys.stderr)
            if files and self.failed == len(files):
                raise InputError(f"none of the {len(files)} files in {self.path} could be read")

    def batches(self) -> Iterator[list[TextDocument]]:
        documents = self.documents()
        while batch := list(islice(documents, _DOCUMENTS_AT_ONCE)):
            self.done += len(batch)
            yield batch

    def refuse(self, document: TextDocument, error: ValueError) -> None:
        """Pass over a document that could not be annotated."""
        if self.text is not None:
            raise InputError(str(error))
        self.refused += 1
        tqdm.write(f"passed over: document {document.document_id}: {error}", file=sys.stderr)


def _annotator(
    linker: Any, precision: float | None, detector: str | None, semantic_types: Sequence[str], below: Sequence[str]
) -> Annotator:
    # Late, so that help comes at once.
    from angel_hf.annotation import TokenClassificationDetector
    from angel_hf.annotation.annotator import Annotator
    from angel_hf.model.subset import restricted

    try:
        found = TokenClassificationDetector.from_pretrained(detector) if detector is not None else None
    except (ValueError, OSError) as error:
        raise InputError(f"--detector {detector}: {error}") from None
    try:
        part = restricted(linker, semantic_types, below) if semantic_types or below else linker
        return Annotator(part, found, precision)
    except ValueError as error:
        raise InputError(str(error)) from None


def _writer(form: AnnotatedFormat, output: Path | None, kind: str, opened: ExitStack) -> AnnotatedWriter:
    if form is AnnotatedFormat.BRAT:
        assert output is not None, "checked before"
        return BratWriter(output, kind)
    return STREAM_WRITERS[form](opened.enter_context(open_output(output)), kind)


def _run(annotator: Annotator, inputs: _Inputs, writer: AnnotatedWriter, top_k: int, num_beams: int) -> int:
    mentions = 0
    for batch in inputs.batches():
        answers = answered_or_refused(
            batch, lambda some: annotator.annotate([document.text for document in some], top_k, num_beams)
        )
        for document, answer in zip(batch, answers):
            if isinstance(answer, ValueError):
                inputs.refuse(document, answer)
                continue
            writer.write(document, answer)
            mentions += len(answer)
    return mentions
