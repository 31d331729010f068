"""Files that may be gzipped."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import BinaryIO, cast


def open_bytes(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading bytes; one whose name ends in `.gz` is decompressed."""
    path = Path(path)
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
