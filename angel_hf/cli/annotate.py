"""`angel annotate`: raw text in, linked mentions out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from angel_hf.cli import options
from angel_hf.cli.document_inputs import DocumentInputs, refuse_file_as_text
from angel_hf.cli.failure import InputError, failures_reported
from angel_hf.cli.linker import load_linker, mapped_ids_of
from angel_hf.cli.outcome import finish, finished, progress_of, rejected_path, say
from angel_hf.cli.search_flags import NumBeams, TopK, build_search
from angel_hf.cli.sink import RejectedFile, check_output, open_output
from angel_hf.formats.answers import AnnotatedWriter, MappedIds
from angel_hf.formats.brat import BratWriter
from angel_hf.formats.document import Document
from angel_hf.formats.jsonl import is_utf8
from angel_hf.formats.output_formats import AnnotatedFormat, annotated_writer, format_of_name
from angel_hf.formats.reading import Offsets, Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.jobs.refusal import answered_or_refused

if TYPE_CHECKING:
    from angel_hf.annotation.annotator import Annotator
    from angel_hf.results import Annotated as Annotation
    from angel_hf.search.batches import Search

_DOCUMENTS_AT_ONCE = 16


_Text = Annotated[str | None, typer.Argument(help="A text to annotate.", show_default=False)]
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
_OutputFormat = Annotated[
    AnnotatedFormat | None,
    typer.Option(
        help="Default: by the ending of --output (.pubtator, .xml, .html, .jsonl), else jsonl; displaCy draws html.",
        show_default=False,
    ),
]


def annotate(
    text: _Text = None,
    input_path: options.Input = None,
    input_format: options.InputFormat = None,
    offsets: options.OffsetsOption = Offsets.CODE_POINTS,
    output: _Output = None,
    output_format: _OutputFormat = None,
    rejected: options.RejectedPath = None,
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

    Give a TEXT, a file, a folder, or standard input: plain text, PubTator, BioC, PubMed or JATS XML, JSON lines, or a
    table with a column text. Abbreviations that a text defines are written out before they are linked, and composite
    mentions ("breast and ovarian cancer") are linked part by part; offsets count characters of the text as it came.

    Exit code 0: all was annotated; 1: some records were rejected and the others annotated; 2: nothing could be done.
    """
    with failures_reported():
        search = build_search(top_k, num_beams)
        form = _output_format(output, output_format)
        inputs = None
        if text is None:
            reading = Reading(mentions=False, offsets=offsets)
            inputs = DocumentInputs.open(input_path, input_format, reading, _NOTHING)
            _check_output(output, form, inputs)
        else:
            unheard = {"--input": input_path, "--input-format": input_format, "--rejected": rejected}
            options.refuse_unheard(unheard, "with a text")
            _check_text(text)

        def load() -> Annotator:
            linker = load_linker(model, knowledge_base, revision, device)
            part = _part(linker, semantic_type or (), below or ())
            return _annotator(part, precision, detector, search.search)

        target = _Target(output, form, rejected, mention_type, offsets, top_k)
        if inputs is None:
            assert text is not None, "either is given"
            _annotate_text(text, target, load)
        else:
            raise typer.Exit(_annotate_inputs(inputs, target, load))


_NOTHING = "nothing to annotate; expected a text, --input FILE or FOLDER, or standard input"


@dataclass(frozen=True, slots=True)
class _Target:
    """Where answers and rejected records go, and how."""

    path: Path | None
    form: AnnotatedFormat
    rejected: Path | None
    kind: str
    offsets: Offsets
    top_k: int

    def writer(self, opened: ExitStack, mapped_ids: MappedIds) -> AnnotatedWriter:
        try:
            if self.form is AnnotatedFormat.BRAT:
                assert self.path is not None, "checked before"
                return BratWriter(self.path, self.kind)
            stream = opened.enter_context(open_output(self.path))
            return annotated_writer(self.form, stream, self.kind, self.offsets, mapped_ids)
        except (ValueError, ImportError) as error:
            raise InputError(str(error)) from None


def _output_format(output: Path | None, form: AnnotatedFormat | None) -> AnnotatedFormat:
    named = format_of_name(output)
    if form is None:
        form = AnnotatedFormat.JSONL if named is None else AnnotatedFormat(named)
    if output is None and form is AnnotatedFormat.BRAT:
        raise InputError("--output-format brat writes two files a document; name a folder with --output")
    if output is not None and form is not AnnotatedFormat.BRAT:
        check_output(output)
    return form


def _check_output(output: Path | None, form: AnnotatedFormat, inputs: DocumentInputs) -> None:
    if output is None:
        return
    inputs.check_output(output)
    if form is AnnotatedFormat.BRAT:
        for path in inputs.paths:
            if path is not None and path.resolve().parent == output.resolve():
                raise InputError(f"{output} is the folder of {path}, whose texts would be replaced; name another")


def _check_text(text: str) -> None:
    if not is_utf8(text):
        raise InputError(f"the text is {text!r:.80}; expected UTF-8")
    refuse_file_as_text(text)


def _annotate_text(text: str, target: _Target, load: Callable[[], Annotator]) -> None:
    document = Document.of_text("text", text)
    annotator = load()
    try:
        (answer,) = annotator.annotate([text], target.top_k)
    except ValueError as error:
        raise InputError(str(error)) from None
    with ExitStack() as opened:
        writer = target.writer(opened, mapped_ids_of(annotator.model))
        writer.write(document, answer)
        say(writer.close())


def _annotate_inputs(inputs: DocumentInputs, target: _Target, load: Callable[[], Annotator]) -> int:
    """Annotate the documents of all inputs; returns the exit code."""
    aside = RejectedFile(rejected_path(target.rejected, target.path, inputs))
    annotator = load()
    return finished(aside, lambda: _annotate_all(annotator, inputs, target, aside))


def _annotate_all(annotator: Annotator, inputs: DocumentInputs, target: _Target, aside: RejectedFile) -> int:
    with ExitStack() as opened:
        writer = target.writer(opened, mapped_ids_of(annotator.model))
        bar = opened.enter_context(progress_of(inputs, "annotating", is_hidden=False))
        documents = mentions = 0
        for item, answer in _annotated(annotator, inputs, target.top_k):
            if isinstance(item, Rejected):
                bar.reject(aside, item)
                continue
            writer.write(item, answer)
            documents += 1
            mentions += len(answer)
            bar.update(documents, mentions)
        say(writer.close())
        return finish("annotated", documents, mentions, aside)


def _annotated(
    annotator: Annotator, inputs: DocumentInputs, top_k: int
) -> Iterator[tuple[Document | Rejected, Sequence[Annotation]]]:
    """Each document with its mentions, and what was rejected, in order."""
    items = inputs.read()
    while batch := list(islice(items, _DOCUMENTS_AT_ONCE)):
        documents = [item for item in batch if isinstance(item, Document)]
        answers = iter(
            answered_or_refused(documents, lambda some: annotator.annotate([one.text for one in some], top_k))
        )
        for item in batch:
            if isinstance(item, Rejected):
                yield item, ()
                continue
            answer = next(answers)
            if isinstance(answer, ValueError):
                yield item.rejected(str(answer)), ()
            else:
                yield item, answer


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
