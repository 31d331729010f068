"""Offline from the first import, and the data that tests share."""

import os

# Before anything imports a Hub client.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "sample"
"""Small pieces of the shared data, under the same file names; SOURCES.md beside them tells their origin."""

FULL = Path(os.environ.get("ANGEL_SHARED_DATA", Path(__file__).parents[2] / "shared"))
"""The whole corpora, knowledge bases (`data/`) and golden outputs (`reference/`), where they are there."""

SOURCES = {"sample": SAMPLE} | ({"shared": FULL} if (FULL / "data").is_dir() else {})


def pytest_report_header() -> str:
    """Tell which data the run sees."""
    if "shared" in SOURCES:
        return f"shared data: the committed sample, and the whole of it in {FULL}"
    return f"shared data: the committed sample only; {FULL} has no data/ (set ANGEL_SHARED_DATA for the whole)"


@pytest.fixture(scope="session", params=SOURCES)
def shared_root(request: pytest.FixtureRequest) -> Path:
    """The folder that holds `data/` and `reference/`: once the committed sample, and once the whole if it is there."""
    return SOURCES[request.param]


@pytest.fixture(scope="session")
def shared_data(shared_root: Path) -> Path:
    """Corpora and knowledge bases."""
    return shared_root / "data"


@pytest.fixture(scope="session")
def shared_reference(shared_root: Path) -> Path:
    """Golden outputs of the published inference."""
    return shared_root / "reference"
