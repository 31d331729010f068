"""What links windows in a process: a model and a reader of the input."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow
import torch

from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.job import Job
from angel_hf.bulk.output import Claim, Output
from angel_hf.bulk.row_reader import RowReader
from angel_hf.bulk.shard import Report
from angel_hf.bulk.window import Window
from angel_hf.bulk.window_linker import WindowLinker
from angel_hf.model.entity_linking import AngelForEntityLinking

LoadModel = Callable[[], AngelForEntityLinking]
"""Loads the model in the process that it is called in, onto the device that it is to work on."""


class Worker:
    """Reads, links and writes windows. Its process uses as many threads of torch as the options say, from then on.

    Args:
        job: of the run.
        inputs: its files.
        model: with a knowledge base.
        claim: of the run to the output.
    """

    def __init__(self, job: Job, inputs: InputFiles, model: AngelForEntityLinking, claim: Claim) -> None:
        torch.set_num_threads(job.options.threads)
        self._inputs = inputs
        self._reader = RowReader(inputs, job.options.read_columns)
        self._linker = WindowLinker(model, job.options)
        self._output = Output(job.output)
        self._claim = claim

    def read(self, window: Window) -> pyarrow.Table:
        """The rows of a window; see RowReader."""
        return self._reader.read(window)

    def link(self, window: Window, rows: pyarrow.Table) -> Report:
        """Link the rows of a window and write its shard."""
        shard = self._linker.link(rows, self._inputs.files[window.file_number].name, window.first_row)
        return self._output.write_shard(window.shard, shard, window.rows, self._claim)

    def close(self) -> None:
        """Close the open input file."""
        self._reader.close()
