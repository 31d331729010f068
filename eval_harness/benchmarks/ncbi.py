"""The NCBI-disease corpus, in PubTator format as released; concepts are those of MEDIC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats.document import Annotation
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example
from eval_harness.sources.pubtator import read_examples

_CONCEPT_ID = re.compile(r"[CD]\d+|OMIM:\d+")


def read_ncbi(path: Path, bad: BadRecords) -> Iterator[Example]:
    """Yield every annotated mention of a corpus file, composite mentions included.

    A bar joins the diseases that a composite mention names, a plus sign the concepts that together describe
    one disease. The training file as released holds the document 8528200 twice.
    """
    return read_examples(path, bad, _gold, known_duplicates=("8528200",))


def _gold(annotation: Annotation) -> tuple[tuple[str, ...], ...]:
    parts = [part.split("+") for part in (annotation.identifier or "").split("|")]
    gold = tuple(tuple(canonical_id(identifier) for identifier in part) for part in parts)
    if not all(_CONCEPT_ID.fullmatch(identifier) for part in gold for identifier in part):
        raise ValueError(f"identifier {annotation.identifier!r}; expected ids such as D001943|D010051 or OMIM:253000")
    return gold


def canonical_id(identifier: str) -> str:
    """MeSH ids without the prefix `MESH:`, OMIM ids with `OMIM:`; GenBioEL's files leave both out."""
    identifier = identifier.strip().removeprefix("MESH:")
    return f"OMIM:{identifier}" if identifier.isdecimal() else identifier


NCBI = Benchmark(
    name="ncbi",
    title="NCBI-disease",
    citation="Doğan, Leaman and Lu, NCBI disease corpus: a resource for disease name recognition and concept "
    "normalization, Journal of Biomedical Informatics 47, 2014",
    licence="public domain (National Library of Medicine); MEDIC: terms of the Comparative Toxicogenomics Database",
    licence_id="pddl",
    obtain="NCBItrainset_corpus.txt, NCBIdevelopset_corpus.txt and NCBItestset_corpus.txt of the NCBI disease corpus, "
    "and MEDIC of 6 July 2012 as --knowledge-base",
    redistributable=True,
    names_redistributable=True,
    files={
        "train": "NCBItrainset_corpus.txt",
        "dev": "NCBIdevelopset_corpus.txt",
        "test": "NCBItestset_corpus.txt",
    },
    read=read_ncbi,
    expected={"train": (5145,), "dev": (787,), "test": (960,)},
    expected_genbioel={"train": (5784,), "dev": (787,), "test": (960,)},
    published_names=("train", "dev"),
    genbioel_train=("train", "dev"),
    canonical_id=canonical_id,
)
