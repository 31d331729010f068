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

from angel_hf.cli import options
from angel_hf.cli.failure import ALL_DONE, SOME_REJECTED, InputError, describe_os_error, failures_reported
from angel_hf.cli.linker import load_linker
from angel_hf.cli.parquet_input import refuse_parquet
from angel_hf.cli.search_flags import NumBeams, TopK, build_search
from angel_hf.cli.sink import open_output
from angel_hf.formats.annotated_formats import STREAM_WRITERS, AnnotatedFormat
from angel_hf.formats.annotated_writer import AnnotatedWriter
from angel_hf.formats.brat import BratWriter
from angel_hf.formats.document import Document
from angel_hf.formats.jsonl import is_utf8
from angel_hf.formats.texts import TextFormat, read_texts, text_files
from angel_hf.jobs.refusal import answered_or_refused

if TYPE_CHECKING:
    from angel_hf.annotation.annotator import Annotator
    from angel_hf.search.batches import Search

_DOCUMENTS_AT_ONCE = 16


_Text = Annotated[str | None, typer.Argument(help="A text to annotate.", show_default=False)]
_Input = Annotated[
    str | None,
    typer.Option(
        "--input", "-i", help="A file, .gz too, or a folder of files; nothing: standard input.", show_default=False
    ),
]
_InputFormat = Annotated[
    TextFormat | None,
    typer.Option(help="Default: by the ending .txt, .jsonl, .pubtator, .xml or .json.", show_default=False),
]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="A file, or for brat a folder; default: standard output.", show_default=False),
]
_SemanticType = Annotated[
    list[str] | None,
    typer.Option(help="Only concepts of this semantic type; may be given more than once.", show_default=False),
]
_Below = Annotated[
    list[str] | None,
    typer.Option(
        help="Only this concept and those under it, as D009369; may be given more than once.", show_default=False
    ),
]


def annotate(
    text: _Text = None,
    input_path: _Input = None,
    input_format: _InputFormat = None,
    output: _Output = None,
    output_format: Annotated[AnnotatedFormat, typer.Option(help="html is drawn by displaCy.")] = AnnotatedFormat.JSONL,
    precision: options.Precision = None,
    detector: options.Detector = None,
    semantic_type: _SemanticType = None,
    below: _Below = None,
    mention_type: Annotated[str, typer.Option(help="The type that mentions get in the output.")] = "Disease",
    model: options.Model = "angel-mini",
    revision: options.Revision = None,
    knowledge_base: options.KnowledgeBasePath = None,
    top_k: TopK = 5,
    num_beams: NumBeams = 10,
    device: options.Device = "auto",
) -> None:
    """Find the mentions of texts and link them to concepts.

    Give a TEXT, a file, a folder, or standard input. Abbreviations that a text defines are written out before they are
    linked, and composite mentions ("breast and ovarian cancer") are linked part by part; offsets count characters of
    the text as it came.

    Exit code 0: all was annotated; 1: some files could not be read, or some documents not be annotated, and the others
    were; 2: nothing could be done.
    """
    with failures_reported():
        search = build_search(top_k, num_beams)
        if output is None and output_format is AnnotatedFormat.BRAT:
            raise InputError("--output-format brat writes two files a document; name a folder with --output")
        if text is not None and input_path is not None:
            raise InputError("both a text and --input were given; expected one of them")
        if text is not None and not is_utf8(text):
            raise InputError(f"the text is {text!r:.80}; expected UTF-8")
        if input_path is not None:
            refuse_parquet(input_path)
        inputs = _Inputs(text, None if input_path is None else Path(input_path), input_format)
        linker = load_linker(model, knowledge_base, revision, device)
        part = _part(linker, semantic_type or (), below or ())
        annotator = _annotator(part, precision, detector, search.search)
        with ExitStack() as opened:
            writer = _writer(output_format, output, mention_type, opened)
            mentions = _run(annotator, inputs, writer, top_k)
            remark = writer.close()
            if remark is not None:
                typer.echo(remark, err=True)
        done = f"annotated {mentions:,} mentions in {inputs.done - inputs.refused:,} documents"
        if text is None:
            failed = f"; {inputs.failed:,} files could not be read" if inputs.failed else ""
            refused = f"; {inputs.refused:,} documents could not be annotated" if inputs.refused else ""
            typer.echo(f"{done}{failed}{refused}", err=True)
        raise typer.Exit(SOME_REJECTED if inputs.failed or inputs.refused else ALL_DONE)


@dataclass
class _Inputs:
    """The documents to annotate and their counts; bad ones are reported and passed over, unless all files are bad."""

    text: str | None
    path: Path | None
    form: TextFormat | None
    done: int = 0
    failed: int = 0
    refused: int = 0

    def documents(self) -> Iterator[Document]:
        if self.text is not None:
            yield Document.of_text("text", self.text)
        elif self.path is None or str(self.path) == "-":
            yield _standard_input()
        else:
            files = _text_files(self.path)
            for file in tqdm(files, unit="file", desc="annotating", file=sys.stderr, disable=None):
                try:
                    yield from read_texts(file, self.form)
                except (OSError, ValueError) as error:
                    reason = describe_os_error(error) if isinstance(error, OSError) else str(error)
                    if len(files) == 1:
                        raise InputError(reason) from None
                    self.failed += 1
                    tqdm.write(f"passed over: {reason}", file=sys.stderr)
            if files and self.failed == len(files):
                raise InputError(f"none of the {len(files)} files in {self.path} could be read")

    def batches(self) -> Iterator[list[Document]]:
        documents = self.documents()
        while batch := list(islice(documents, _DOCUMENTS_AT_ONCE)):
            self.done += len(batch)
            yield batch

    def refuse(self, document: Document, error: ValueError) -> None:
        """Pass over a document that could not be annotated."""
        if self.text is not None:
            raise InputError(str(error))
        self.refused += 1
        tqdm.write(f"passed over: document {document.document_id}: {error}", file=sys.stderr)


def _text_files(path: Path) -> list[Path]:
    try:
        return text_files(path)
    except ValueError as error:
        raise InputError(str(error)) from None


def _standard_input() -> Document:
    """All of standard input as one text.

    Raises:
        InputError: it is a terminal, or not UTF-8.
    """
    if sys.stdin.isatty():
        raise InputError("nothing to annotate; expected a text, --input FILE or FOLDER, or standard input")
    raw = sys.stdin.buffer.read()
    try:
        return Document.of_text("stdin", raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: not UTF-8 ({error}); expected UTF-8 text") from None


def _part(linker: Any, semantic_types: Sequence[str], below: Sequence[str]) -> Any:
    """The model, restricted to a part of its knowledge base where one is named."""
    # Here, so that help loads no library.
    from angel_hf.model.subset import restricted

    try:
        return restricted(linker, semantic_types, below) if semantic_types or below else linker
    except ValueError as error:
        raise InputError(str(error)) from None


def _annotator(linker: Any, precision: float | None, detector: str | None, search: Search) -> Annotator:
    # Here, so that help loads no library.
    from angel_hf.annotation import TokenClassificationDetector
    from angel_hf.annotation.annotator import Annotator

    try:
        found = TokenClassificationDetector.from_pretrained(detector) if detector is not None else None
    except (ValueError, OSError) as error:
        raise InputError(f"--detector {detector}: {error}") from None
    try:
        return Annotator(linker, found, precision, search=search)
    except ValueError as error:
        raise InputError(str(error)) from None


def _writer(form: AnnotatedFormat, output: Path | None, kind: str, opened: ExitStack) -> AnnotatedWriter:
    try:
        if form is AnnotatedFormat.BRAT:
            assert output is not None, "checked before"
            return BratWriter(output, kind)
        return STREAM_WRITERS[form](opened.enter_context(open_output(output)), kind)
    except (ValueError, ImportError) as error:
        raise InputError(str(error)) from None


def _run(annotator: Annotator, inputs: _Inputs, writer: AnnotatedWriter, top_k: int) -> int:
    mentions = 0
    for batch in inputs.batches():
        answers = answered_or_refused(
            batch, lambda some: annotator.annotate([document.text for document in some], top_k)
        )
        for document, answer in zip(batch, answers):
            if isinstance(answer, ValueError):
                inputs.refuse(document, answer)
                continue
            writer.write(document, answer)
            mentions += len(answer)
    return mentions
