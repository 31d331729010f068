"""`angel link` on Parquet: millions of documents, shards out, gone on with after any interruption."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from tqdm import tqdm

from angel_hf.cli.failure import InputError
from angel_hf.cli.linker import Dtype, load_linker

if TYPE_CHECKING:
    from angel_hf import AngelForEntityLinking
    from angel_hf.bulk import Report, Run

_MOST_CAUSES_SHOWN = 20
_SECONDS_BETWEEN_LINES = 60


class Engine(str, Enum):
    """What links the windows of Parquet input."""

    LOCAL = "local"
    RAY = "ray"


EngineOption = Annotated[
    Engine | None,
    typer.Option(
        help="Parquet: in this process (local, the default), or by Ray Data in several processes, GPUs or machines.",
        show_default=False,
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="With --engine ray: processes, a model in each. Default: one for each GPU, or as the cores allow.",
        show_default=False,
    ),
]
ThreadsOption = Annotated[int, typer.Option(min=1, help="Parquet: threads of each process.")]
WindowOption = Annotated[
    int, typer.Option(min=1, help="Parquet: rows of a shard, which is what an interruption makes do again.")
]
TextColumn = Annotated[str, typer.Option(help="Parquet: the column of texts.")]
IdColumn = Annotated[str, typer.Option(help="Parquet: the column that tells documents apart; carried through.")]
SpansColumn = Annotated[
    str, typer.Option(help="Parquet: the column of mentions, lists of [start, end] or of structs with start and end.")
]
KeepOption = Annotated[
    list[str] | None,
    typer.Option(help="Parquet: copy this column to each mention; may be given more than once.", show_default=False),
]
DetectOption = Annotated[
    bool,
    typer.Option(
        "--detect",
        help="Parquet: find the mentions by the knowledge base's names, and read them as angel annotate does.",
    ),
]
DetectorOption = Annotated[
    str | None,
    typer.Option(help="Parquet: a token-classification model that finds the mentions.", show_default=False),
]


def is_bulk(source: str) -> bool:
    """Whether an input is for bulk linking: Parquet, a folder that holds some, a pattern, or a URI."""
    if source.endswith(".parquet") or "://" in source or "*" in source:
        return True
    return Path(source).is_dir() and any(Path(source).rglob("*.parquet"))


def link_parquet(
    source: str,
    output: str | None,
    options: dict[str, Any],
    engine: Engine,
    workers: int | None,
    model: tuple[str, Path | None, str | None, Dtype],
    device: str,
) -> int:
    """Link Parquet files into a folder.

    Args:
        source: a path or URI.
        output: a folder, by path or URI.
        options: of `angel_hf.bulk.Options`.
        engine: what links.
        workers: of Ray.
        model: name, knowledge base, revision and number format, as `load_linker` takes them.
        device: of each process.

    Returns:
        How many documents were rejected, those of former runs on the same output included.

    Raises:
        InputError: nothing can be done, or not all.
    """
    if output is None:
        raise InputError(f"{source} is linked into a folder of Parquet shards; name it with --output")
    if workers is not None and engine is not Engine.RAY:
        raise InputError("--workers needs --engine ray; in one process --threads share the work")
    # Late, so that help comes at once.
    try:
        from angel_hf.bulk import Job, Options, link_locally, link_with_ray, start

        name, knowledge_base, revision, dtype = model
        # Workers may be in other folders.
        where = (_absolute(name), knowledge_base and knowledge_base.absolute(), revision)
        load = partial(_load, *where, device, dtype)
        options = options | {"detector": options["detector"] and _absolute(options["detector"])}
        job = Job(source, output, Options(**options))
        # Ray's workers have the devices; this process only needs to know which model it is.
        run = start(job, load if engine is Engine.LOCAL else partial(_load, *where, "cpu", dtype))
        use_gpus = not device.startswith("cpu")
        reports = link_locally(run) if engine is Engine.LOCAL else link_with_ray(run, load, workers, use_gpus)
        _show(run, reports)
        totals = run.total()
    except (ValueError, RuntimeError, ImportError) as error:
        raise InputError(str(error)) from None
    before = totals.rows - run.pending_rows
    resumed = f" ({before:,} of the documents by an earlier run)" if before else ""
    aside = f"; {totals.rejected:,} rejected, written to {job.output}/rejected" if totals.rejected else ""
    linked = totals.rows - totals.rejected
    typer.echo(f"linked {totals.mentions:,} mentions in {linked:,} documents{resumed}{aside}", err=True)
    return totals.rejected


def _absolute(name: str) -> str:
    """A folder by its whole path; what is embedded or on the Hub by its name."""
    return str(Path(name).absolute()) if Path(name).exists() else name


def _load(
    model: str, knowledge_base: Path | None, revision: str | None, device: str, dtype: Dtype
) -> AngelForEntityLinking:
    """What each process calls for its model; by name, so that it can be sent to other machines."""
    return cast("AngelForEntityLinking", load_linker(model, knowledge_base, revision, device, dtype))


def _show(run: Run, reports: Iterator[Report]) -> None:
    """Tell on stderr how far the run is: a bar on a terminal, a line now and then in a log."""
    total, done = run.rows, run.rows - run.pending_rows
    with ExitStack() as opened:
        bar = opened.enter_context(
            tqdm(total=total, initial=done, unit="rows", unit_scale=True, desc="linking", file=sys.stderr, disable=None)
        )
        lines = _Lines(total, done) if bar.disable else None
        mentions = shown = 0
        for report in reports:
            mentions += report.mentions
            for cause in report.causes[: max(0, _MOST_CAUSES_SHOWN - shown)]:
                tqdm.write(f"rejected {cause}", file=sys.stderr)
            if shown <= _MOST_CAUSES_SHOWN < shown + report.rejected:
                tqdm.write("further causes are only in the shards of rejected rows", file=sys.stderr)
            shown += report.rejected
            bar.set_postfix(mentions=mentions, refresh=False)
            bar.update(report.rows)
            if lines is not None:
                lines.add(report.rows)


class _Lines:
    """Progress for a file: a line a minute at most.

    Args:
        total: rows of the run.
        done: rows that were linked before.
    """

    def __init__(self, total: int, done: int) -> None:
        self._total, self._before, self._done = total, done, done
        self._began = self._told = time.monotonic()

    def add(self, rows: int) -> None:
        """Count rows, and tell if it is time."""
        self._done += rows
        now = time.monotonic()
        if now - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = now
            rate = (self._done - self._before) / (now - self._began)
            typer.echo(f"linking: {self._done:,} of {self._total:,} rows, {rate:,.1f} rows/s", err=True)
