"""Offline from the first import, and the data that tests share."""

import os

# Before anything imports a Hub client.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# The models of the tests are too small to share work between threads, which then cost more than they bring.
os.environ["OMP_NUM_THREADS"] = "1"

import gzip
import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

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


REFERENCE_MODELS = {
    f"{source}-{directory.name}": directory
    for source, root in SOURCES.items()
    for directory in sorted((root / "reference").iterdir())
    if (directory / "golden.json").is_file()
}
"""Small BART models with what the published inference answers for them."""


@pytest.fixture(scope="session", params=REFERENCE_MODELS)
def reference_model(request: pytest.FixtureRequest) -> Path:
    """The directory of each reference model."""
    return REFERENCE_MODELS[request.param]


@pytest.fixture(scope="session")
def reference_names() -> list[str]:
    """The 81,820 distinct names that the golden outputs were made with."""
    archive = SAMPLE / "reference" / "target_kb.json.gz"
    names_by_concept = json.loads(gzip.decompress(archive.read_bytes()))
    return list(dict.fromkeys(name for names in names_by_concept.values() for name in names))


@pytest.fixture(scope="session")
def reference_tokenizer() -> PreTrainedTokenizerBase:
    """The byte-level BPE tokenizer of the reference models."""
    return AutoTokenizer.from_pretrained(SAMPLE / "reference" / "tiny")


@pytest.fixture
def linker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The command line's model is a table of names, and the current folder is an empty one."""
    from tests.cli_stub import TableLinker

    monkeypatch.chdir(tmp_path)
    stub = TableLinker()
    monkeypatch.setattr("angel_hf.cli.link.load_linker", lambda *options: stub)
    return stub
