"""The original release of a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from eval_harness.bad_records import BadRecords
from eval_harness.example import Example
from eval_harness.sources.source import Source, count_for
from eval_harness.sources.text_lines import find_file


class ReleasedSource(Source):
    """Files under the names of the release."""

    kind: ClassVar[str] = "released"

    def files(self, split: str, fold: str) -> list[Path]:
        """The split's file, `.gz` or not."""
        path = find_file(self.location, self.benchmark.files[split].format(fold=fold))
        return [] if path is None else [path]

    def read(self, split: str, fold: str, bad: BadRecords) -> tuple[Example, ...]:
        """The rows as released."""
        for path in self.files(split, fold):
            return tuple(self.benchmark.read(path, bad))
        raise self.missing(split, fold, str(self.location / self.benchmark.files[split].format(fold=fold)))

    def expected(self, split: str, fold: str) -> int:
        """As published with the corpus."""
        return count_for(self.benchmark.expected[split], self.benchmark, fold)

    def knowledge_base(self, bad: BadRecords) -> KnowledgeBase | None:
        """What the release itself names, for the benchmarks that come so."""
        if self.benchmark.own_concepts is None:
            return None
        return KnowledgeBase.from_concepts(self.benchmark.own_concepts(self.location, bad))
