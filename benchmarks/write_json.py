"""Result files are written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from angel_hf.array_file import written_whole


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a result file; times in seconds, memory in bytes."""
    with written_whole(path) as temporary:
        Path(temporary).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
