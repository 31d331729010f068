"""MedMentions ST21pv, in PubTator format with lists of PubMed ids for the splits; concepts are those of UMLS 2017AA."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats.document import Annotation
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example
from eval_harness.sources.pubtator import document_examples, read_documents
from eval_harness.sources.text_lines import find_file, numbered_lines

CORPUS = "st21pv/data/corpus_pubtator.txt"
"""The annotations, below the source directory; the lists of ids are in full/data/."""

TYPES = frozenset(
    f"T{number:03d}"
    for number in (5, 7, 17, 22, 31, 33, 37, 38, 58, 62, 74, 82, 91, 92, 97, 98, 103, 168, 170, 201, 204)
)
"""The 21 semantic types of ST21pv."""

_CONCEPT_ID = re.compile(r"C\d{7}")


def read_medmentions(path: Path, bad: BadRecords) -> Iterator[Example]:
    """Yield the mentions of the documents that a list of PubMed ids names, in the corpus's order.

    Args:
        path: the list, in full/data/ below the source directory.
        bad: what malformed records are reported to, and ids of the list that the corpus lacks.

    Raises:
        FileNotFoundError: the corpus is not where the release has it.
    """
    root = path.parents[2]
    corpus = find_file(root, CORPUS)
    if corpus is None:
        raise FileNotFoundError(f"{root / CORPUS}, or the same with .gz, is not there; expected the ST21pv corpus")
    listed = {line.strip(): number for number, line in numbered_lines(path, bad)}
    for document in read_documents(corpus, bad):
        if listed.pop(document.document_id, None) is not None:
            yield from document_examples(corpus, document, bad, _gold)
    for document_id, number in listed.items():
        bad.report(path, number, f"document {document_id!r} is not in {corpus.name}; expected ids of the corpus")


def _gold(annotation: Annotation) -> tuple[tuple[str, ...], ...]:
    identifier = canonical_id(annotation.identifier or "")
    if not _CONCEPT_ID.fullmatch(identifier):
        raise ValueError(f"identifier {annotation.identifier!r}; expected a concept such as UMLS:C0000039")
    if not TYPES.issuperset(annotation.type.split(",")):
        raise ValueError(f"semantic type {annotation.type!r}; expected those of ST21pv: is this the full corpus?")
    return ((identifier,),)


def canonical_id(identifier: str) -> str:
    """The concept without the prefix `UMLS:`."""
    return identifier.strip().removeprefix("UMLS:")


MEDMENTIONS = Benchmark(
    name="medmentions",
    title="MedMentions ST21pv",
    citation="Mohan and Li, MedMentions: a large biomedical corpus annotated with UMLS concepts, AKBC 2019",
    licence="annotations CC0; the names are UMLS's, not to be redistributed",
    licence_id="cc0-1.0",
    obtain=f"the MedMentions repository with {CORPUS}.gz and full/data/corpus_pubtator_pmids_*.txt, and names of UMLS "
    "2017AA, which needs a licence, as --knowledge-base",
    redistributable=True,
    names_redistributable=False,
    files={
        "train": "full/data/corpus_pubtator_pmids_trng.txt",
        "dev": "full/data/corpus_pubtator_pmids_dev.txt",
        "test": "full/data/corpus_pubtator_pmids_test.txt",
    },
    read=read_medmentions,
    expected={"train": (122241,), "dev": (40884,), "test": (40157,)},
    expected_genbioel={"train": (122241,), "dev": (40884,), "test": (40157,)},
    canonical_id=canonical_id,
)
