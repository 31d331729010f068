"""The NCBI-disease corpus (Doğan et al. 2014), in PubTator format as released; concepts are those of MEDIC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from angel_hf.readers.pubtator import read_pubtator
from angel_hf.types import Mention
from eval_harness.benchmark import Benchmark, Example


def read_ncbi(path: Path) -> Iterator[Example]:
    """Yield every annotated mention of a corpus file, composite mentions included.

    A bar joins the diseases that a composite mention names, a plus sign the concepts that together describe
    one disease. A few MeSH identifiers come with the prefix `MESH:`, which MEDIC does not use.

    Raises:
        ValueError: a malformed record, or an annotation without an identifier.
    """
    for document in read_pubtator(path):
        for annotation in document.annotations:
            parts = [part.split("+") for part in (annotation.identifier or "").split("|")]
            gold = tuple(tuple(_concept_id(identifier) for identifier in part) for part in parts)
            if not all(identifier for part in gold for identifier in part):
                raise ValueError(
                    f"{path}: document {document.document_id}, mention {annotation.surface!r} at {annotation.start}: "
                    f"identifier {annotation.identifier!r}; expected ids such as D001943|D010051 or OMIM:253000"
                )
            mention = Mention(document.text, annotation.start, annotation.end)
            yield Example(mention, gold, document.document_id)


def _concept_id(identifier: str) -> str:
    return identifier.strip().removeprefix("MESH:")


NCBI = Benchmark(
    name="ncbi",
    files={
        "train": "NCBItrainset_corpus.txt",
        "dev": "NCBIdevelopset_corpus.txt",
        "test": "NCBItestset_corpus.txt",
    },
    expected_mentions={"train": 5145, "dev": 787, "test": 960},
    read=read_ncbi,
)
