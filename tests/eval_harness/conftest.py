"""What the tests of the harness share."""

from pathlib import Path

import pytest

from angel_hf import KnowledgeBase
from eval_harness.corpus import Corpus, open_corpus
from tests.eval_harness.toy import CHRONIC, COLD, COLOUR, toy_benchmark


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


FILES = {
    "train": ["red-green blindness|D003117", "colds and colour blindness|D003139|D003117"],
    "dev": ["nasal catarrh|D003139"],
    "test": ["cold|D029424", "nasal catarrh|D003139", "coryza|D003139", "unheard of|D999999"],
}


@pytest.fixture
def source(tmp_path: Path, knowledge_base: KnowledgeBase) -> Path:
    """A directory of the toy corpus, with the ontology beside it."""
    directory = tmp_path / "corpus"
    directory.mkdir()
    for split, lines in FILES.items():
        (directory / f"{split}.txt").write_text("\n".join(lines))
    knowledge_base.save(tmp_path / "ontology.safetensors")
    return directory


@pytest.fixture
def corpus(source: Path) -> Corpus:
    """A benchmark of three splits."""
    benchmark = toy_benchmark({split: len(lines) for split, lines in FILES.items()})
    return open_corpus(benchmark, source, knowledge_base_files=[source.parent / "ontology.safetensors"])
