"""The BioCreative V chemical-disease corpus (BC5CDR), in PubTator format; concepts are those of MeSH."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats.document import Annotation
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example
from eval_harness.sources.pubtator import read_examples

_CONCEPT_ID = re.compile(r"[CD]\d+")
_NO_CONCEPT = "-1"


def read_bc5cdr(path: Path, bad: BadRecords) -> Iterator[Example]:
    """Yield every chemical and disease mention of a corpus file.

    A bar joins the concepts of a composite mention. Where the annotators found no concept the corpus has -1; such a
    mention has empty `gold`, and a composite one keeps the parts that have a concept.
    """
    return read_examples(path, bad, _gold)


def _gold(annotation: Annotation) -> tuple[tuple[str, ...], ...]:
    identifiers = (annotation.identifier or "").split("|")
    gold = tuple((identifier.strip(),) for identifier in identifiers if identifier.strip() != _NO_CONCEPT)
    if not all(_CONCEPT_ID.fullmatch(identifier) for part in gold for identifier in part):
        raise ValueError(f"identifier {annotation.identifier!r}; expected ids such as D003693, D012|C034 or -1")
    return gold


BC5CDR = Benchmark(
    name="bc5cdr",
    title="BC5CDR",
    citation="Li et al., BioCreative V CDR task corpus: a resource for chemical disease relation extraction, "
    "Database 2016",
    licence="free for research (BioCreative V); abstracts: PubMed; MeSH: terms of the National Library of Medicine",
    licence_id="other",
    obtain="train_corpus.txt, dev_corpus.txt and test_corpus.txt in PubTator format, and MeSH, descriptors and "
    "supplementary records, as --knowledge-base",
    redistributable=True,
    names_redistributable=True,
    files={"train": "train_corpus.txt", "dev": "dev_corpus.txt", "test": "test_corpus.txt"},
    read=read_bc5cdr,
    expected={"train": (9385,), "dev": (9591,), "test": (9809,)},
    expected_genbioel={"train": (9285,), "dev": (9515,), "test": (9654,)},
)
