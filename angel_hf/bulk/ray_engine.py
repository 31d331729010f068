"""Bulk linking by Ray Data: several processes, GPUs or machines, one model in each."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.job import Job
from angel_hf.bulk.manifest import model_fingerprints
from angel_hf.bulk.output import Claim
from angel_hf.bulk.run import Run
from angel_hf.bulk.shard import Report
from angel_hf.bulk.window import Window
from angel_hf.bulk.worker import LoadModel, Worker
from angel_hf.jobs.claim import differences
from angel_hf.model.entity_linking import AngelForEntityLinking

_MOST_ATTEMPTS = 4
_RESUMES = "finished shards stay, and the same command resumes"


@dataclass(frozen=True, slots=True)
class _Share:
    """What each actor of the cluster gets, and how many of them there are."""

    workers: int
    cpus: float
    gpus: float


def link_with_ray(
    run: Run, load_model: LoadModel, workers: int | None = None, use_gpus: bool = True
) -> Iterator[Report]:
    """Link the pending windows of a run, a report for each as it is finished; the shards are those of `link_locally`.

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
        ValueError: the cluster has no room for so many workers.
        RuntimeError: a worker has another model or could not do its work, or a window ended worker after worker.
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
    attempts = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Attempts).remote()
    # One block a window: a worker gets a block at once, and another worker gets it again if that one dies.
    windows = ray.data.from_items([asdict(window) for window in run.pending], override_num_blocks=len(run.pending))
    reports = windows.map(
        _Actor,
        fn_constructor_args=(run.job, run.inputs, load_model, run.fingerprints, run.claim, attempts),
        compute=ray.data.ActorPoolStrategy(size=share.workers, max_tasks_in_flight_per_actor=1),
        num_cpus=share.cpus,
        num_gpus=share.gpus,
    )
    try:
        for row in reports.iter_rows():
            if row["failure"]:
                raise RuntimeError(f"{row['failure']}; {_RESUMES}")
            yield Report(row["rows"], row["mentions"], row["rejected"], tuple(json.loads(row["causes"])))
    except ray.exceptions.RayError as error:
        raise RuntimeError(f"Ray stopped the run: {error}; {_RESUMES}") from error


class _Attempts:
    """How often each window was begun; Ray itself would retry for ever a window that kills every worker."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def begin(self, shard: str) -> int:
        """Count an attempt; returns which one it is."""
        self._begun[shard] += 1
        return self._begun[shard]


class _Actor:
    """A worker in a process of Ray's, from windows to reports as rows of Ray Data.

    A failure is reported in a row too: an exception would come out of Ray among the frames of its machinery.
    """

    def __init__(
        self,
        job: Job,
        inputs: InputFiles,
        load_model: LoadModel,
        fingerprints: dict[str, Any],
        claim: Claim,
        attempts: Any,
    ) -> None:
        # One process for each core: the tokenizer's own threads would only be in each other's way.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self._inputs = inputs
        self._attempts = attempts
        self._failure = ""
        try:
            model = load_model()
            _check_model(model, fingerprints)
            self._worker = Worker(job, inputs, model, claim)
        except Exception as error:
            self._failure = f"a worker could not begin: {error}"

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            report = Report(0, 0, 0) if self._failure else self._link(Window(**row))
            failure = self._failure
        except Exception as error:
            report, failure = Report(0, 0, 0), str(error) or type(error).__name__
        return asdict(report) | {"causes": json.dumps(report.causes), "failure": failure}

    def _link(self, window: Window) -> Report:
        if _ray().get(self._attempts.begin.remote(window.shard)) > _MOST_ATTEMPTS:
            file, last = self._inputs.files[window.file_number].name, window.first_row + window.rows - 1
            raise RuntimeError(
                f"{file}: rows {window.first_row} to {last} ended {_MOST_ATTEMPTS} workers: look for something "
                "special in them, such as a text that takes all memory"
            )
        return self._worker.link(window, self._worker.read(window))


def _check_model(model: AngelForEntityLinking, fingerprints: dict[str, Any]) -> None:
    for key, expected, found in differences(fingerprints, model_fingerprints(model)):
        raise RuntimeError(
            f"it has another model than the run: {key} is {found!r:.200} there and {expected!r:.200} here; give all "
            "machines the same model"
        )


def _share(resources: dict[str, float], workers: int | None, threads: int, use_gpus: bool) -> _Share:
    cores, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0)) if use_gpus else 0
    room = min(gpus, cores // threads) if gpus else cores // threads
    count = room if workers is None else workers
    if not 1 <= count <= room:
        kind = f"{gpus} GPUs and {cores} cores" if gpus else f"{cores} cores"
        raise ValueError(
            f"{count or 1} workers of {threads} threads do not fit into Ray's {kind}; expected 1 to {room} workers, "
            "or fewer threads"
        )
    return _Share(count, float(threads), 1.0 if gpus else 0.0)


def _ray() -> Any:
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise ImportError("linking with Ray needs: pip install 'angel-hf[ray]'") from error
    return ray
