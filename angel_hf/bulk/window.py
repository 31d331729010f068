"""The unit of bulk work: consecutive rows of one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from angel_hf.bulk.input_files import InputFile


@dataclass(frozen=True, slots=True)
class Window:
    """Rows `first_row` to `first_row + rows` of a file.

    Args:
        file_number: position of the file among those of the run.
        first_row: counted from 0 in the file.
        rows: how many.
    """

    file_number: int
    first_row: int
    rows: int

    @property
    def shard(self) -> str:
        """The file that the window becomes; the names of shards sort as the rows come."""
        return f"{self.file_number:05d}-{self.first_row:012d}.parquet"


def windows(files: Sequence[InputFile], size: int) -> Iterator[Window]:
    """All rows of all files in their order, up to `size` of them at once; no window reaches over a file's end."""
    for file_number, file in enumerate(files):
        for first_row in range(0, file.rows, size):
            yield Window(file_number, first_row, min(size, file.rows - first_row))
