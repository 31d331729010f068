"""`angel link`: mentions in, concepts out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TextIO

import typer
from tqdm import tqdm

from angel_hf.cli.bulk import (
    DetectOption,
    DetectorOption,
    Engine,
    EngineOption,
    IdColumn,
    KeepOption,
    SpansColumn,
    TextColumn,
    ThreadsOption,
    WindowOption,
    WorkersOption,
    is_bulk,
    link_parquet,
)
from angel_hf.cli.failure import ALL_DONE, SOME_REJECTED, InputError, failures_reported
from angel_hf.cli.jsonl import JsonlWriter, is_utf8, read_jsonl
from angel_hf.cli.linker import Dtype, Linker, Search, link_records, load_linker
from angel_hf.cli.pubtator import Annotations, PubtatorWriter, read_documents
from angel_hf.cli.records import InputFormat, OutputFormat, Record, Rejected
from angel_hf.cli.sentence import find_mentions, parse_marked, read_sentences, sentence_record
from angel_hf.cli.sink import RejectedFile, check_output, open_output
from angel_hf.cli.source import Source
from angel_hf.cli.table import TableWriter
from angel_hf.search.options import SearchOptions

_READERS = {InputFormat.JSONL: read_jsonl, InputFormat.PUBTATOR: read_documents, InputFormat.TEXT: read_sentences}
_STANDARD_INPUT = Path("-")
_TOP_K, _BULK_TOP_K, _BATCH_SIZE = 5, 1, 32
_RECORDS_ONLY = {"sentence", "mention", "input_format", "output_format", "rejected", "annotations"}
_PARQUET_ONLY = {
    "engine", "workers", "threads", "window", "text_column", "id_column", "spans_column", "keep", "detect", "detector",
}  # fmt: skip


def link(
    context: typer.Context,
    sentence: Annotated[
        str | None,
        typer.Argument(help="A sentence with each mention marked: 'a case of [[ataxia]]'.", show_default=False),
    ] = None,
    mention: Annotated[
        list[str] | None,
        typer.Option(
            help="A mention in a SENTENCE without marks: the first whole word or words spelled so; given twice, the "
            "second too.",
            show_default=False,
        ),
    ] = None,
    input_file: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            help="A file, .gz too; - or nothing: standard input. Parquet: a file, a folder, 'folder/*.parquet', or a "
            "URI of them such as s3://bucket/folder.",
            show_default=False,
        ),
    ] = None,
    input_format: Annotated[
        InputFormat | None,
        typer.Option(help="Default: by the ending .jsonl or .pubtator, else by the first line.", show_default=False),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="A file, written whole; default: standard output. For Parquet input a folder, or the URI of one.",
            show_default=False,
        ),
    ] = None,
    output_format: Annotated[
        OutputFormat | None,
        typer.Option(
            help="Default: pubtator for an --output that ends in .pubtator, table on a terminal, else jsonl; pubtator "
            "needs PubTator input.",
            show_default=False,
        ),
    ] = None,
    annotations: Annotated[
        Annotations,
        typer.Option(
            help="In PubTator output: replace the given identifiers, or keep them and add each answer on a line below, "
            "of type TYPE:linked."
        ),
    ] = Annotations.REPLACE,
    rejected: Annotated[
        Path | None,
        typer.Option(
            help="Where records that cannot be linked go, with line and cause; where there are none, a file of an "
            "earlier run is removed. Default: the output's or else the input's name with .rejected.jsonl.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="angel-mini, a folder, or a Hub repository.")] = "angel-mini",
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit of a Hub repository.", show_default=False)
    ] = None,
    knowledge_base: Annotated[
        Path | None, typer.Option(help="Link to this knowledge base, not to the model's own.", show_default=False)
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Names for each mention. Default: 5, for Parquet 1.", show_default=False)
    ] = None,
    num_beams: Annotated[int, typer.Option(min=1, help="Beams of the search, not fewer than names.")] = 10,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Mentions at once. Default: 32; for Parquet, of each thread.", show_default=False),
    ] = None,
    context_tokens: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Read at most so many tokens around a mention, which is faster. Default: all that fit.",
            show_default=False,
        ),
    ] = None,
    verbatim_first: Annotated[
        bool,
        typer.Option(
            "--verbatim-first",
            help="Put a name that is spelled as the mention before all others. Default: the best score is first.",
        ),
    ] = False,
    as_written: Annotated[
        bool,
        typer.Option(
            "--as-written",
            help="Read abbreviations as they stand. Default: written out where the text defines them, as when the "
            "model's accuracy and confidence were measured.",
        ),
    ] = False,
    dtype: Annotated[
        Dtype,
        typer.Option(
            help="bfloat16 and float16, and on CPUs int8, are faster where the processor has them, and less exact."
        ),
    ] = Dtype.FLOAT32,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    engine: EngineOption = None,
    workers: WorkersOption = None,
    threads: ThreadsOption = 1,
    window: WindowOption = 1024,
    text_column: TextColumn = "text",
    id_column: IdColumn = "document_id",
    spans_column: SpansColumn = "spans",
    keep: KeepOption = None,
    detect: DetectOption = False,
    detector: DetectorOption = None,
) -> None:
    """Link mentions to concepts.

    Give a SENTENCE, a file, or standard input. Files hold JSON lines, {"text": ..., "spans": [[start, end], ...]} with
    any other keys, which are kept (jsonl); annotated documents (pubtator); or sentences with [[mention]] marks, one a
    line (text). Offsets count characters from 0.

    Exit code 0: all was linked; 1: some records were rejected and the others linked; 2: nothing could be done.
    """
    with failures_reported():
        bulk = input_file is not None and is_bulk(input_file)
        top_k = top_k or (_BULK_TOP_K if bulk else _TOP_K)
        # Threads share mentions out, and a thread is the faster the more it has.
        batch_size = batch_size or _BATCH_SIZE * (threads if bulk else 1)
        if top_k > num_beams:
            raise InputError(f"--top-k {top_k} with --num-beams {num_beams}; expected at least as many beams as names")
        if input_file is not None and bulk:
            why = f"--input {input_file} is Parquet, which goes to a folder of Parquet without them"
            _refuse(context, _RECORDS_ONLY, why)
            bulk_options = {
                "text_column": text_column, "id_column": id_column, "spans_column": spans_column,
                "keep": tuple(keep or ()), "detect": detect or detector is not None, "detector": detector,
                "top_k": top_k, "num_beams": num_beams, "batch_size": batch_size, "window": window, "threads": threads,
                "context_tokens": context_tokens, "verbatim_first": verbatim_first, "expand": not as_written,
            }  # fmt: skip
            source = (model, knowledge_base, revision, dtype)
            count = link_parquet(input_file, output, bulk_options, engine or Engine.LOCAL, workers, source, device)
            raise typer.Exit(SOME_REJECTED if count else ALL_DONE)
        _refuse(context, _PARQUET_ONLY, "expected Parquet with --input: FILE.parquet, a folder, a pattern or a URI")
        task = _open_task(sentence, mention, None if input_file is None else Path(input_file), input_format)
        options = SearchOptions(context_tokens=context_tokens, verbatim_first=verbatim_first)
        search = Search(top_k, num_beams, batch_size, options, expand=not as_written)
        target = _Target(None if output is None else Path(output), output_format, rejected, annotations)
        count = _link_task(task, target, lambda: load_linker(model, knowledge_base, revision, device, dtype), search)
        raise typer.Exit(SOME_REJECTED if count else ALL_DONE)


def _refuse(context: typer.Context, names: set[str], why: str) -> None:
    """Refuse what was given, be it the default, and would go unheard."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            told = parameter.opts[0] if parameter.param_type_name == "option" else f"a {parameter.name}"
            raise InputError(f"{told} was given; {why}")


@dataclass(frozen=True, slots=True)
class _Target:
    """Where answers and rejected records go."""

    path: Path | None
    form: OutputFormat | None
    rejected: Path | None
    annotations: Annotations


def _link_task(task: _Task, target: _Target, load: Callable[[], Linker], search: Search) -> int:
    """Link a task's records; returns how many were rejected."""
    with ExitStack() as opened:
        if task.source is not None:
            opened.callback(task.source.close)
        form = target.form or _default_format(target.path)
        if form is OutputFormat.PUBTATOR and task.form is not InputFormat.PUBTATOR:
            raise InputError(f"--output-format pubtator needs PubTator input; {task.name} is {task.form.value}")
        rejected = _rejected_path(target, task.source)
        linker = load()
        aside = RejectedFile(rejected)
        if task.source is not None:  # a sentence that cannot be linked is told, not put aside
            opened.enter_context(aside)
        writer = _writer(form, opened.enter_context(open_output(target.path)), target.annotations)
        # A bar among tables on the same terminal would tear both.
        quiet = True if target.path is None and sys.stdout.isatty() else None
        _run(linker, task, search, writer, aside, quiet)
        return aside.count


@dataclass(frozen=True, slots=True)
class _Task:
    """What to link: records, and where they come from (no source: the command line itself)."""

    name: str
    form: InputFormat
    records: Iterable[Record | Rejected]
    source: Source | None = None


def _open_task(sentence: str | None, surfaces: list[str] | None, path: Path | None, form: InputFormat | None) -> _Task:
    if sentence is not None:
        if path is not None:
            raise InputError("both a sentence and --input were given; expected one of them")
        if not is_utf8(sentence):
            raise InputError(f"the sentence is {sentence!r:.80}; expected UTF-8 text")
        try:
            mentions = find_mentions(sentence, surfaces) if surfaces else parse_marked(sentence)
        except ValueError as error:
            hint = f"; to link the file {sentence}, put --input before it" if Path(sentence).is_file() else ""
            raise InputError(f"{error}{hint}") from None
        return _Task("the sentence", InputFormat.TEXT, [sentence_record(mentions)])
    if surfaces:
        raise InputError("--mention was given without a sentence; expected angel link SENTENCE --mention MENTION")
    if path is None and sys.stdin.isatty():
        raise InputError("nothing to link; expected a sentence with [[mention]] marks, --input FILE, or standard input")
    source = Source(None if path == _STANDARD_INPUT else path)
    form = form or source.recognise()
    return _Task(source.name, form, _READERS[form](source), source)


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


def _default_format(output: Path | None) -> OutputFormat:
    if output is not None and output.suffix == ".pubtator":
        return OutputFormat.PUBTATOR
    return OutputFormat.TABLE if output is None and sys.stdout.isatty() else OutputFormat.JSONL


def _default_rejected(output: Path | None, source: Source | None) -> Path:
    beside = output or (source.path if source else None) or Path("stdin")
    return beside.with_name(f"{beside.name}.rejected.jsonl")


def _writer(form: OutputFormat, stream: TextIO, annotations: Annotations) -> JsonlWriter | PubtatorWriter | TableWriter:
    if form is OutputFormat.PUBTATOR:
        return PubtatorWriter(stream, annotations)
    return JsonlWriter(stream) if form is OutputFormat.JSONL else TableWriter(stream)


def _run(
    linker: Linker,
    task: _Task,
    search: Search,
    writer: JsonlWriter | PubtatorWriter | TableWriter,
    aside: RejectedFile,
    quiet: bool | None,
) -> None:
    """Link every record and tell on stderr how far it is, what was rejected, and how much was done."""
    size = task.source.size if task.source else None
    records = mentions = 0
    # `disable=None` leaves the bar out where stderr is no terminal.
    with tqdm(total=size, unit="B", unit_scale=True, desc="linking", file=sys.stderr, disable=quiet) as bar:
        for result in link_records(linker, task.records, search):
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
