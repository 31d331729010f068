"""`angel bulk`: millions of documents in Parquet, linked into shards; resumed after any interruption."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from angel_hf.cli import options
from angel_hf.cli.bulk_progress import show_progress
from angel_hf.cli.failure import ALL_DONE, SOME_REJECTED, InputError, failures_reported
from angel_hf.cli.linker import Dtype, DtypeOption, load_linker
from angel_hf.cli.search_flags import ContextTokens, NumBeams, TopK, VerbatimFirst, build_search

if TYPE_CHECKING:
    from angel_hf import AngelForEntityLinking
    from angel_hf.bulk import Job

    LoadModel = Callable[[str], AngelForEntityLinking]
    """Loads the model onto a device."""

_BATCH_SIZE = 32


class Engine(str, Enum):
    """What links the windows of the input."""

    LOCAL = "local"
    RAY = "ray"


_Input = Annotated[
    str,
    typer.Option(
        "--input",
        "-i",
        help="A Parquet file, a folder of them, 'folder/*.parquet', or a URI of these such as s3://bucket/folder.",
        show_default=False,
    ),
]
_Output = Annotated[
    str, typer.Option("--output", "-o", help="A folder for the shards, or the URI of one.", show_default=False)
]
_EngineOption = Annotated[
    Engine,
    typer.Option(
        "--engine",
        help="In this process (local), or by Ray Data in several processes, GPUs or machines (ray).",
    ),
]
_Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="With --engine ray: processes, a model in each. Default: one for each GPU, or as the cores allow.",
        show_default=False,
    ),
]
_Threads = Annotated[int, typer.Option(min=1, help="Threads of each process.")]
_Window = Annotated[int, typer.Option(min=1, help="Rows of a shard, which is what an interruption makes do again.")]
_TextColumn = Annotated[str, typer.Option(help="The column of texts.")]
_IdColumn = Annotated[str, typer.Option(help="The column that tells documents apart; carried through.")]
_SpansColumn = Annotated[
    str, typer.Option(help="The column of mentions, lists of [start, end] or of structs with start and end.")
]
_Keep = Annotated[
    list[str] | None,
    typer.Option(help="Copy this column to each mention; may be given more than once.", show_default=False),
]
_Detect = Annotated[
    bool,
    typer.Option(
        "--detect", help="Find the mentions by the knowledge base's names, and read them as angel annotate does."
    ),
]
_Detector = Annotated[
    str | None, typer.Option(help="A token-classification model that finds the mentions.", show_default=False)
]
_BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Mentions at once. Default: 32 for each thread.", show_default=False)
]


def bulk(
    source: _Input,
    output: _Output,
    engine: _EngineOption = Engine.LOCAL,
    workers: _Workers = None,
    threads: _Threads = 1,
    window: _Window = 1024,
    text_column: _TextColumn = "text",
    id_column: _IdColumn = "document_id",
    spans_column: _SpansColumn = "spans",
    keep: _Keep = None,
    detect: _Detect = False,
    detector: _Detector = None,
    model: options.Model = "angel-mini",
    revision: options.Revision = None,
    knowledge_base: options.KnowledgeBasePath = None,
    top_k: TopK = 1,
    num_beams: NumBeams = 10,
    batch_size: _BatchSize = None,
    context_tokens: ContextTokens = None,
    verbatim_first: VerbatimFirst = False,
    as_written: options.AsWritten = False,
    dtype: DtypeOption = Dtype.FLOAT32,
    device: options.Device = "auto",
) -> None:
    """Link documents in Parquet into a folder of shards.

    Mentions are given in a column, or found with --detect. The same command resumes an interrupted run.

    Exit code 0: all was linked; 1: some documents were rejected and the others linked; 2: not all could be done.
    """
    with failures_reported():
        search = build_search(top_k, num_beams, context_tokens, verbatim_first)
        if workers is not None and engine is not Engine.RAY:
            raise InputError("--workers needs --engine ray; in one process --threads share the work")
        try:
            # Here, so that help loads no library.
            from angel_hf.bulk import Columns, Job, Options

            how = Options(
                Columns(text_column, id_column, spans_column, tuple(keep or ())),
                detect=detect or detector is not None,
                detector=detector and _absolute(detector),
                expand=not as_written,
                top_k=search.top_k,
                search=search.search,
                context_tokens=search.context_tokens,
                # Threads share the mentions of a batch, and a thread is the faster the more it has.
                batch_size=batch_size or _BATCH_SIZE * threads,
                window=window,
                threads=threads,
            )
            # Workers may be in other folders.
            names = partial(_load, _absolute(model), knowledge_base and knowledge_base.absolute(), revision, dtype)
            rejected = link_parquet(Job(source, output, how), names, device, engine, workers)
        except (ValueError, RuntimeError, ImportError) as error:
            raise InputError(str(error)) from None
        raise typer.Exit(SOME_REJECTED if rejected else ALL_DONE)


def link_parquet(job: Job, load: LoadModel, device: str, engine: Engine, workers: int | None) -> int:
    """Do a job, or the rest of it.

    Args:
        job: what to link.
        load: called in each process.
        device: of each process.
        engine: what links.
        workers: of Ray.

    Returns:
        How many documents are rejected in all shards of the output.
    """
    from angel_hf.bulk import link_locally, link_with_ray, start

    # Ray's workers have the devices; this process only needs to know which model it is.
    run = start(job, partial(load, device if engine is Engine.LOCAL else "cpu"))
    if engine is Engine.LOCAL:
        reports = link_locally(run)
    else:
        reports = link_with_ray(run, partial(load, device), workers, use_gpus=not device.startswith("cpu"))
    show_progress(run, reports)
    totals = run.total()
    before = totals.rows - run.pending_rows
    resumed = f" ({before:,} of the documents by an earlier run)" if before else ""
    aside = f"; {totals.rejected:,} rejected, written to {job.output}/rejected" if totals.rejected else ""
    linked = totals.rows - totals.rejected
    typer.echo(f"linked {totals.mentions:,} mentions in {linked:,} documents{resumed}{aside}", err=True)
    return totals.rejected


def _absolute(name: str) -> str:
    """A folder by its whole path; an embedded model or one on the Hub by its name."""
    return str(Path(name).absolute()) if Path(name).exists() else name


def _load(
    model: str, knowledge_base: Path | None, revision: str | None, dtype: Dtype, device: str
) -> AngelForEntityLinking:
    """Load the model in a process; importable by name, so that it can be sent to other machines."""
    return cast("AngelForEntityLinking", load_linker(model, knowledge_base, revision, device, dtype))
