"""The interface of every kind of source: rows of splits, files for reports, and perhaps a knowledge base."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example


class Source(ABC):
    """A directory or repository that holds a benchmark.

    Attributes:
        kind: what reports call it.
        benchmark: what it holds.
        location: the directory that is read.
        is_published_text: whether the rows are in the form of published results already.
        has_mention_strings: whether `knowledge_base` holds strings of the corpus as names.
    """

    kind: ClassVar[str]
    is_published_text = False
    has_mention_strings = False

    def __init__(self, benchmark: Benchmark, location: Path) -> None:
        self.benchmark = benchmark
        self.location = location

    @abstractmethod
    def files(self, split: str, fold: str) -> list[Path]:
        """The files that hold a split; none where it is not there."""

    @abstractmethod
    def read(self, split: str, fold: str, bad: BadRecords) -> tuple[Example, ...]:
        """The rows of a split, in order.

        Raises:
            FileNotFoundError: the split is not there.
            ValueError: a malformed record, unless bad records are skipped.
        """

    @abstractmethod
    def expected(self, split: str, fold: str) -> int:
        """How many rows the split must have."""

    def knowledge_base(self, bad: BadRecords) -> KnowledgeBase | None:
        """The knowledge base that comes with the rows, if one does."""
        return None

    def knowledge_base_files(self) -> list[Path]:
        """The files of it."""
        return []

    def missing(self, split: str, fold: str, path: str) -> FileNotFoundError:
        """The error to raise where a split is not there."""
        where = f", fold {fold}" if fold else ""
        return FileNotFoundError(
            f"{path} is not there; expected the {split} split{where} of {self.benchmark.name}: get "
            f"{self.benchmark.obtain}"
        )


def count_for(counts: tuple[int, ...], benchmark: Benchmark, fold: str) -> int:
    """The number of a fold among numbers for each fold."""
    return counts[benchmark.folds.index(fold)]
