"""Bulk linking by Ray Data: several processes, GPUs or machines, one model in each."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.job import Job
from angel_hf.bulk.manifest import model_fingerprints
from angel_hf.bulk.run import Run
from angel_hf.bulk.shard import Report
from angel_hf.bulk.window import Window
from angel_hf.bulk.worker import LoadModel, Worker
from angel_hf.claim import differences

_RETRIES = 3


@dataclass(frozen=True, slots=True)
class _Share:
    """What each actor of the cluster gets, and how many of them there are."""

    workers: int
    cpus: float
    gpus: float


def link_with_ray(
    run: Run, load_model: LoadModel, workers: int | None = None, use_gpus: bool = True
) -> Iterator[Report]:
    """Link what is left of a run, a report for each window as it is finished; the shards are those of `link_locally`.

    Ray is started on this machine, unless the environment variable RAY_ADDRESS names a cluster. The other machines need
    this package and its version of torch, the model by the same name, and the input and output by the same
    path or URI: an object store, or a shared disk. A window whose worker dies is linked by another one, four times at
    most; a shard that is written twice is the same file both times.

    Args:
        run: begun in this process.
        load_model: called in each worker; it is sent there, so it must be importable there too.
        workers: None takes one for each GPU of the cluster, or where there are none, as many as its cores allow.
        use_gpus: whether each worker gets a GPU where the cluster has some.

    Raises:
        ImportError: Ray is missing.
        ValueError: the cluster has no room for so many workers, or an input file is damaged inside.
        RuntimeError: a worker has another model, or a window's workers died again and again.
    """
    ray = _ray()
    if not ray.is_initialized():
        ray.init(logging_level=logging.WARNING)
    share = _share(ray.cluster_resources(), workers, run.job.options.threads, use_gpus)
    if not run.pending:
        return
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # the caller shows one
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    # One block a window: a block is what a worker is given at once, and what is given again when the worker dies.
    windows = ray.data.from_items([asdict(window) for window in run.pending], override_num_blocks=len(run.pending))
    reports = windows.map(
        _Actor,
        fn_constructor_args=(run.job, run.inputs, load_model, run.fingerprints),
        compute=ray.data.ActorPoolStrategy(size=share.workers, max_tasks_in_flight_per_actor=1),
        num_cpus=share.cpus,
        num_gpus=share.gpus,
        max_task_retries=_RETRIES,
    )
    try:
        for row in reports.iter_rows():
            yield Report(row["rows"], row["mentions"], row["rejected"], tuple(json.loads(row["causes"])))
    except ray.exceptions.RayError as error:
        raise _plain(error) from error


class _Actor:
    """A worker in a process of Ray's, from windows to reports as rows of Ray Data."""

    def __init__(self, job: Job, inputs: InputFiles, load_model: LoadModel, fingerprints: dict[str, Any]) -> None:
        # One process for each core: the tokenizer's own threads would only be in each other's way.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        model = load_model()
        for key, expected, found in differences(fingerprints, json.loads(json.dumps(model_fingerprints(model)))):
            raise RuntimeError(
                f"a worker has another model than the run: {key} is {found!r:.200} there and {expected!r:.200} here; "
                "give all machines the same model"
            )
        self._worker = Worker(job, inputs, model)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        window = Window(**row)
        report = self._worker.link(window, self._worker.read(window))
        return asdict(report) | {"causes": json.dumps(report.causes)}


def _share(resources: dict[str, float], workers: int | None, threads: int, use_gpus: bool) -> _Share:
    cores, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0)) if use_gpus else 0
    room = min(gpus, cores // threads) if gpus else cores // threads
    wanted = room if workers is None else workers
    if not 1 <= wanted <= room:
        kind = f"{gpus} GPUs and {cores} cores" if gpus else f"{cores} cores"
        raise ValueError(
            f"{wanted or 1} workers of {threads} threads do not fit into Ray's {kind}; expected 1 to {room} workers, "
            "or fewer threads"
        )
    return _Share(wanted, float(threads), 1.0 if gpus else 0.0)


def _plain(error: Exception) -> Exception:
    """What happened in a worker, without Ray's account of the way there."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "cause", None) or cause.__cause__
        if inner is None or inner is cause:
            break
        cause = inner
    text = str(cause).strip()
    last = text.splitlines()[-1] if "Traceback" in text else text
    return RuntimeError(f"Ray stopped the run: {last}; the shards that are there stay, the same command goes on")


def _ray() -> Any:
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise ImportError("linking with Ray needs: pip install 'angel-hf[ray]'") from error
    return ray
