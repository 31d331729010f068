"""A run, begun or resumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from angel_hf.bulk.columns import check_columns
from angel_hf.bulk.folder_lock import FolderLock
from angel_hf.bulk.input_files import InputFiles, would_be_read
from angel_hf.bulk.job import Job
from angel_hf.bulk.manifest import claim, manifest, model_fingerprints
from angel_hf.bulk.output import LINKED, REJECTED, Claim, Output, Totals
from angel_hf.bulk.storage import absolute
from angel_hf.bulk.window import Window, windows
from angel_hf.bulk.worker import LoadModel
from angel_hf.model.entity_linking import AngelForEntityLinking


@dataclass(frozen=True, slots=True)
class Run:
    """A run and its pending windows.

    Args:
        job: its input, output and options.
        inputs: its files.
        model: the linking model, loaded in this process.
        fingerprints: of the model; every other process must have the same.
        pending: windows whose shards are missing, in the order of the input.
        rows: of all files.
        claim: to the output.
        lock: of the output, as long as this value lives; None in an object store.
    """

    job: Job
    inputs: InputFiles
    model: AngelForEntityLinking
    fingerprints: dict[str, Any]
    pending: tuple[Window, ...]
    rows: int
    claim: Claim
    lock: FolderLock | None = None

    @property
    def pending_rows(self) -> int:
        """Rows that are left to link."""
        return sum(window.rows for window in self.pending)

    def total(self) -> Totals:
        """Add up all shards; only when nothing is pending any more.

        Raises:
            ValueError: a shard is missing or damaged.
        """
        shards = (window.shard for window in windows(self.inputs.files, self.job.options.window))
        return Output(self.job.output).total(shards, self.claim)


def start(job: Job, load_model: LoadModel) -> Run:
    """Begin a run, or resume one that was interrupted in whatever way.

    Args:
        job: what to link.
        load_model: called once, after the input has been looked at.

    Raises:
        FileNotFoundError: there is no input.
        ValueError: the input cannot be read, or the output holds the work of another run or is in use.
        RuntimeError: the model has no knowledge base.
    """
    # Workers may be in other folders.
    job = replace(job, source=absolute(job.source), output=absolute(job.output))
    _check_apart(job)
    inputs = InputFiles.find(job.source)
    check_columns(inputs.files, job.options)
    output = Output(job.output)
    model = load_model()
    fingerprints = model_fingerprints(model)
    lock = output.lock()
    claimed = claim(output, manifest(fingerprints, model.name_or_path, job.options, inputs))
    for folder in ("", LINKED, REJECTED):
        output.remove_partial(folder)
    finished = output.finished()
    every = windows(inputs.files, job.options.window)
    pending = tuple(window for window in every if window.shard not in finished)
    return Run(job, inputs, model, fingerprints, pending, sum(file.rows for file in inputs.files), claimed, lock)


def _check_apart(job: Job) -> None:
    """Refuse an output whose shards would be read as documents when the run is resumed."""
    output, shard = Output(job.output), Window(0, 0, 0).shard
    if any(
        would_be_read(job.source, output.filesystem, output.path(f"{folder}/{shard}")) for folder in (LINKED, REJECTED)
    ):
        raise ValueError(f"the output {job.output} is inside the input {job.source}; name a folder outside of it")
