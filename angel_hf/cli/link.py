"""`angel link`: records with given mentions in, concepts out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from angel_hf.cli import options
from angel_hf.cli.failure import ALL_DONE, SOME_REJECTED, InputError, failures_reported
from angel_hf.cli.linker import Dtype, DtypeOption, load_linker
from angel_hf.cli.output_formats import OutputFormat, RecordWriter, default_format, record_writer
from angel_hf.cli.parquet_input import refuse_parquet
from angel_hf.cli.record_linker import RecordLinker
from angel_hf.cli.search_flags import ContextTokens, NumBeams, TopK, VerbatimFirst, build_search
from angel_hf.cli.sink import RejectedFile, check_output, open_output
from angel_hf.formats.input_format import InputFormat, recognise
from angel_hf.formats.jsonl import is_utf8, read_jsonl
from angel_hf.formats.marked_sentences import find_mentions, read_sentences, sentence_record
from angel_hf.formats.pubtator_records import Annotations, read_documents
from angel_hf.formats.records import Record
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.text.reading import parse_marked

_READERS = {InputFormat.JSONL: read_jsonl, InputFormat.PUBTATOR: read_documents, InputFormat.TEXT: read_sentences}

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
_Input = Annotated[
    str | None,
    typer.Option("--input", "-i", help="A file, .gz too; - or nothing: standard input.", show_default=False),
]
_InputFormat = Annotated[
    InputFormat | None,
    typer.Option(help="Default: by the ending .jsonl or .pubtator, else by the first line.", show_default=False),
]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="A file, written whole; default: standard output.", show_default=False),
]
_OutputFormat = Annotated[
    OutputFormat | None,
    typer.Option(
        help="Default: pubtator for an --output that ends in .pubtator, table on a terminal, else jsonl; pubtator "
        "needs PubTator input.",
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
_RejectedOption = Annotated[
    Path | None,
    typer.Option(
        "--rejected",
        help="Where records that cannot be linked go, with line and cause; where there are none, a file of an "
        "earlier run is removed. Default: the output's or else the input's name with .rejected.jsonl.",
        show_default=False,
    ),
]


def link(
    sentence: _Sentence = None,
    mention: _MentionOption = None,
    input_file: _Input = None,
    input_format: _InputFormat = None,
    output: _Output = None,
    output_format: _OutputFormat = None,
    annotations: _AnnotationsOption = Annotations.REPLACE,
    rejected: _RejectedOption = None,
    model: options.Model = "angel-mini",
    revision: options.Revision = None,
    knowledge_base: options.KnowledgeBasePath = None,
    top_k: TopK = 5,
    num_beams: NumBeams = 10,
    batch_size: Annotated[int, typer.Option(min=1, help="Mentions at once.")] = 32,
    context_tokens: ContextTokens = None,
    verbatim_first: VerbatimFirst = False,
    as_written: options.AsWritten = False,
    dtype: DtypeOption = Dtype.FLOAT32,
    device: options.Device = "auto",
) -> None:
    """Link given mentions to concepts.

    Give a SENTENCE, a file, or standard input. Files hold JSON lines, {"text": ..., "spans": [[start, end], ...]} with
    any other keys, which are kept (jsonl); annotated documents (pubtator); or sentences with [[mention]] marks, one a
    line (text). Offsets count characters from 0. Parquet is for angel bulk.

    Exit code 0: all was linked; 1: some records were rejected and the others linked; 2: nothing could be done.
    """
    with failures_reported():
        search = build_search(top_k, num_beams, context_tokens, verbatim_first)
        task = _open_task(sentence, mention, input_file, input_format)
        target = _Target(output, output_format, rejected, annotations)
        load = partial(load_linker, model, knowledge_base, revision, device, dtype)
        count = _link_task(task, target, lambda: RecordLinker(load(), search, batch_size, expand=not as_written))
        raise typer.Exit(SOME_REJECTED if count else ALL_DONE)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where answers and rejected records go."""

    path: Path | None
    form: OutputFormat | None
    rejected: Path | None
    annotations: Annotations


def _link_task(task: _Task, target: _Target, load: Callable[[], RecordLinker]) -> int:
    """Link a task's records; returns how many were rejected."""
    with ExitStack() as opened:
        if task.source is not None:
            opened.callback(task.source.close)
        form = target.form or default_format(target.path)
        if form is OutputFormat.PUBTATOR and task.form is not InputFormat.PUBTATOR:
            raise InputError(f"--output-format pubtator needs PubTator input; {task.name} is {task.form.value}")
        rejected = _rejected_path(target, task.source)
        linker = load()
        aside = RejectedFile(rejected)
        if task.source is not None:  # a sentence that cannot be linked is an error, not put aside
            opened.enter_context(aside)
        writer = record_writer(form, opened.enter_context(open_output(target.path)), target.annotations)
        # A bar among tables on the same terminal would tear both.
        quiet = True if target.path is None and sys.stdout.isatty() else None
        _run(linker, task, writer, aside, quiet)
        return aside.count


@dataclass(frozen=True, slots=True)
class _Task:
    """What to link: records, and where they come from (no source: the command line itself)."""

    name: str
    form: InputFormat
    records: Iterable[Record | Rejected]
    source: Source | None = None


def _open_task(
    sentence: str | None, surfaces: list[str] | None, input_file: str | None, form: InputFormat | None
) -> _Task:
    if sentence is not None:
        if input_file is not None:
            raise InputError("both a sentence and --input were given; expected one of them")
        return _sentence_task(sentence, surfaces)
    if surfaces:
        raise InputError("--mention was given without a sentence; expected angel link SENTENCE --mention MENTION")
    if input_file is None and sys.stdin.isatty():
        raise InputError("nothing to link; expected a sentence with [[mention]] marks, --input FILE, or standard input")
    if input_file is not None:
        refuse_parquet(input_file)
    source = Source(None if input_file is None or input_file == "-" else Path(input_file))
    try:
        form = form or recognise(source)
    except ValueError as error:
        raise InputError(str(error)) from None
    return _Task(source.name, form, _READERS[form](source.lines()), source)


def _sentence_task(sentence: str, surfaces: list[str] | None) -> _Task:
    if not is_utf8(sentence):
        raise InputError(f"the sentence is {sentence!r:.80}; expected UTF-8 text")
    try:
        mentions = find_mentions(sentence, surfaces) if surfaces else parse_marked(sentence)
    except ValueError as error:
        hint = f"; to link the file {sentence}, put --input before it" if Path(sentence).is_file() else ""
        raise InputError(f"{error}{hint}") from None
    return _Task("the sentence", InputFormat.TEXT, [sentence_record(mentions)])


def _rejected_path(target: _Target, source: Source | None) -> Path:
    """Where rejected records go; what would spoil the end of the work is refused before it."""
    if target.path is not None:
        check_output(target.path)
    rejected = target.rejected or _default_rejected(target.path, source)
    check_output(rejected)
    if target.path and target.path.resolve() == rejected.resolve():
        raise InputError(f"--output and --rejected both name {target.path}; expected two files")
    if source and source.path and source.path.resolve() == rejected.resolve():
        raise InputError(f"{rejected} is the input, which rejected records would replace; name another --rejected")
    return rejected


def _default_rejected(output: Path | None, source: Source | None) -> Path:
    beside = output or (source.path if source else None) or Path("stdin")
    return beside.with_name(f"{beside.name}.rejected.jsonl")


def _run(linker: RecordLinker, task: _Task, writer: RecordWriter, aside: RejectedFile, quiet: bool | None) -> None:
    """Link every record; stderr gets the progress, what was rejected, and the sum."""
    size = task.source.size if task.source else None
    records = mentions = 0
    # `disable=None` leaves the bar out where stderr is no terminal.
    with tqdm(total=size, unit="B", unit_scale=True, desc="linking", file=sys.stderr, disable=quiet) as bar:
        for result in linker.link(task.records):
            if isinstance(result, Rejected):
                if task.source is None:
                    raise InputError(result.cause)
                message = aside.add(result)
                if message:
                    tqdm.write(f"rejected {task.name}, {message}", file=sys.stderr)
                continue
            writer.write(result)
            records += 1
            mentions += len(result.linked)
            if task.source is not None:
                bar.set_postfix(mentions=mentions, refresh=False)
                bar.update(task.source.position - bar.n)
    if task.source is not None:
        where = f"; {aside.count:,} rejected, written to {aside.path}" if aside.count else ""
        typer.echo(f"linked {mentions:,} mentions in {records:,} records{where}", err=True)
