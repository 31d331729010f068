"""What the tests of the harness share."""

from pathlib import Path

import pytest

from angel_hf import KnowledgeBase
from eval_harness.benchmark import Benchmark
from tests.eval_harness.toy import CHRONIC, COLD, COLOUR, read_lines


@pytest.fixture
def knowledge_base() -> KnowledgeBase:
    """`cold` is a name of two concepts, and the preferred one of the second."""
    return KnowledgeBase.from_names(
        {
            COLOUR: ["color vision defects", "daltonism"],
            CHRONIC: ["chronic obstructive lung disease", "COLD"],
            COLD: ["cold", "common cold", "coryza"],
        }
    )


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Benchmark, Path]:
    """A benchmark of three splits, and its directory."""
    files = {
        "train": ["red-green blindness|D003117", "colds and colour blindness|D003139|D003117"],
        "dev": ["nasal catarrh|D003139"],
        "test": ["cold|D029424", "nasal catarrh|D003139", "coryza|D003139", "unheard of|D999999"],
    }
    source = tmp_path / "corpus"
    source.mkdir()
    for split, lines in files.items():
        (source / f"{split}.txt").write_text("\n".join(lines))
    counts = {split: len(lines) for split, lines in files.items()}
    return Benchmark("toy", {split: f"{split}.txt" for split in files}, counts, read_lines), source
