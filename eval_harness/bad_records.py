"""Records of a source that cannot be read: an error, or a list of what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that was left out.

    Args:
        file: its path.
        line: where in the file, from 1.
        cause: what came and what was expected.
    """

    file: str
    line: int
    cause: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.cause}"


@dataclass(slots=True)
class BadRecords:
    """Collects the malformed records that readers report.

    Args:
        skip: leave such records out and list them, instead of ending with an error.
    """

    skip: bool = False
    records: list[BadRecord] = field(default_factory=list)

    def report(self, file: Path | str, line: int, cause: str) -> None:
        """Record what the reader leaves out.

        Raises:
            ValueError: `skip` is off; the message names file, line and cause.
        """
        record = BadRecord(str(file), line, cause)
        if not self.skip:
            raise ValueError(f"{record}; with --skip-bad such records are left out and listed")
        self.records.append(record)
