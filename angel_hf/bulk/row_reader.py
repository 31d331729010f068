"""The rows of windows, streamed from Parquet files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

import pyarrow
import pyarrow.parquet

from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.window import Window

_ROWS_AT_ONCE = 256
_BUFFER_BYTES = 1 << 20


class RowReader:
    """Reads windows in any order; those that follow each other are read in one go.

    Memory does not grow with the size of a row group: pages are decoded when they are read. A window that starts
    inside a row group costs the decoding of the rows before it there, unless the reader has just read them.

    Args:
        inputs: the files.
        columns: those that are read.
    """

    def __init__(self, inputs: InputFiles, columns: Sequence[str]) -> None:
        self._inputs = inputs
        self._columns = list(columns)
        self._file_number = -1
        self._file: pyarrow.parquet.ParquetFile | None = None
        self._group_starts: list[int] = []
        self._batches: Iterator[pyarrow.RecordBatch] = iter(())
        self._rest: pyarrow.RecordBatch | None = None
        self._position = 0

    def read(self, window: Window) -> pyarrow.Table:
        """The columns of a window's rows.

        Raises:
            ValueError: the file is damaged there.
        """
        name = self._inputs.files[window.file_number].name
        try:
            if window.file_number != self._file_number:
                self._open(window.file_number)
            group = bisect_right(self._group_starts, window.first_row) - 1
            if not self._group_starts[group] <= self._position <= window.first_row:
                self._start(group)
            # Skipped batch by batch: all of them together may be more than memory holds.
            while self._position < window.first_row:
                self._take(window.first_row - self._position)
            taken, end = [], window.first_row + window.rows
            while self._position < end:
                taken.append(self._take(end - self._position))
            return pyarrow.Table.from_batches(taken)
        except (pyarrow.ArrowException, OSError, StopIteration) as error:
            self.close()
            last = window.first_row + window.rows - 1
            raise ValueError(
                f"{name}: cannot be read at rows {window.first_row} to {last} or soon after ({error}); put a whole "
                "copy of it in its place, and the same command resumes"
            ) from error

    def close(self) -> None:
        """Close the open file; the next window opens its own."""
        self._rest, self._batches, self._file_number = None, iter(()), -1
        if self._file is not None:
            self._file.close(force=True)
            self._file = None

    def _open(self, file_number: int) -> None:
        self.close()
        stream = self._inputs.filesystem.open_input_file(self._inputs.files[file_number].path)
        self._file = pyarrow.parquet.ParquetFile(stream, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        metadata = self._file.metadata
        sizes = (metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
        self._group_starts = [0, *accumulate(sizes)][: max(1, metadata.num_row_groups)]
        self._start(0)
        self._file_number = file_number

    def _start(self, group: int) -> None:
        assert self._file is not None
        groups = range(group, self._file.metadata.num_row_groups)
        self._batches = self._file.iter_batches(_ROWS_AT_ONCE, list(groups), columns=self._columns, use_threads=False)
        self._rest = None
        self._position = self._group_starts[group]

    def _take(self, most: int) -> pyarrow.RecordBatch:
        """The next rows, fewer than `most` where the batch ends before."""
        if self._rest is None or not self._rest.num_rows:
            self._rest = next(self._batches)
        part = self._rest.slice(0, most)
        self._rest = self._rest.slice(part.num_rows)
        self._position += part.num_rows
        return part
