"""The folder of a run's shards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import pyarrow
import pyarrow.parquet

from angel_hf.bulk.shard import Report, Shard, stored_report, to_parquet
from angel_hf.bulk.storage import Storage
from angel_hf.jobs.readable import UNFORESEEN

LINKED, REJECTED, TOTALS = "linked", "rejected", "totals.json"
_FOOTERS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Totals:
    """What a finished run holds: documents read, mentions linked, documents rejected."""

    rows: int
    mentions: int
    rejected: int


class Output(Storage):
    """The folder of a run: `linked/` and `rejected/` with a shard a window, `manifest.json`, and when all is done
    `totals.json`. A window without rejected rows has no shard in `rejected/`.
    """

    def finished(self) -> set[str]:
        """The names of the finished shards."""
        return self.names(LINKED)

    def write_shard(self, name: str, shard: Shard, rows: int) -> Report:
        """Write the tables of a window of `rows` rows."""
        rejected = shard.rejected.select(("file", "row", "cause")).to_pylist()
        causes = tuple(f"{one['file']}, row {one['row']}: {one['cause']}" for one in rejected)
        report = Report(rows, shard.linked.num_rows, len(rejected), causes)
        # The linked shard is what makes a window count as finished, hence last.
        if rejected:
            self.write(f"{REJECTED}/{name}", to_parquet(shard.rejected))
        self.write(f"{LINKED}/{name}", to_parquet(shard.linked, report))
        return report

    def total(self, names: Iterable[str]) -> Totals:
        """Add up the shards and write the sums to `totals.json`.

        Raises:
            ValueError: a shard is damaged.
        """
        rows = mentions = rejected = 0
        with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
            for report in pool.map(self._report, names):
                rows, mentions, rejected = rows + report.rows, mentions + report.mentions, rejected + report.rejected
        totals = Totals(rows, mentions, rejected)
        self.write(TOTALS, (json.dumps(asdict(totals), indent=2) + "\n").encode())
        return totals

    def _report(self, name: str) -> Report:
        path = self.path(f"{LINKED}/{name}")
        try:
            return stored_report(pyarrow.parquet.read_metadata(path, filesystem=self.filesystem))
        except (pyarrow.ArrowException, OSError, ValueError, *UNFORESEEN) as error:
            raise ValueError(f"{path}: not a shard of a run ({error}); remove it and run again") from error
