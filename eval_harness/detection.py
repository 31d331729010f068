"""How well mentions are detected: strict precision, recall and F1 on a PubTator corpus.

    python -m eval_harness.detection --knowledge-base MEDIC --corpus NCBItestset_corpus.txt \\
        --names-of NCBItrainset_corpus.txt --out results/ncbi-detection.json

A mention counts as found when both its offsets are those of an annotated one, composite mentions as a whole.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from angel_hf.annotation import DictionaryDetector, MentionDetector, TokenClassificationDetector
from angel_hf.formats.pubtator import PubtatorDocument, read_pubtator
from angel_hf.jobs.text_file import write_json
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase


@dataclass(frozen=True, slots=True)
class Detection:
    """Counts and scores; precision, recall and f1 between 0 and 1, speed in characters a second of processor time."""

    documents: int
    annotated: int
    detected: int
    right: int
    precision: float
    recall: float
    f1: float
    characters_per_second: int


def evaluate_detection(detector: MentionDetector, documents: Sequence[PubtatorDocument]) -> Detection:
    """Compare what a detector finds with what is annotated.

    Raises:
        ValueError: there are no documents.
    """
    if not documents:
        raise ValueError("no documents to detect mentions in; expected at least one")
    # Processor time, which other work on the machine does not change.
    start = time.process_time()
    found = detector.detect([document.text for document in documents])
    seconds = time.process_time() - start
    gold = [{(one.start, one.end) for one in document.annotations} for document in documents]
    detected = [{(one.start, one.end) for one in mentions} for mentions in found]
    right = sum(len(ours & theirs) for ours, theirs in zip(detected, gold))
    counts = sum(map(len, gold)), sum(map(len, detected))
    precision, recall = right / max(1, counts[1]), right / max(1, counts[0])
    return Detection(
        documents=len(documents),
        annotated=counts[0],
        detected=counts[1],
        right=right,
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / max(1e-12, precision + recall),
        characters_per_second=round(sum(len(document.text) for document in documents) / max(1e-9, seconds)),
    )


def corpus_names(paths: Iterable[Path]) -> list[str]:
    """The annotated mention strings of corpora, to be added to a dictionary."""
    return [one.surface.strip() for path in paths for document in read_pubtator(path) for one in document.annotations]


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Strict F1 of mention detection.")
    parser.add_argument("--knowledge-base", type=Path, required=True, help="whose names are looked up")
    parser.add_argument("--corpus", type=Path, required=True, help="PubTator, what is measured on")
    parser.add_argument("--names-of", type=Path, nargs="*", default=[], help="corpora whose mention strings are added")
    parser.add_argument("--tagger", help="a token-classification model, measured too")
    parser.add_argument("--out", type=Path, required=True, help="results, JSON")
    options = parser.parse_args(arguments)
    documents = list(read_pubtator(options.corpus))
    names = list(KnowledgeBase.from_file(options.knowledge_base).names)
    detectors: dict[str, MentionDetector] = {"dictionary": DictionaryDetector(names)}
    if options.names_of:
        detectors["dictionary and corpus names"] = DictionaryDetector([*names, *corpus_names(options.names_of)])
    if options.tagger:
        detectors[options.tagger] = TokenClassificationDetector.from_pretrained(options.tagger)
    results = {name: asdict(evaluate_detection(detector, documents)) for name, detector in detectors.items()}
    write_json(options.out, {"corpus": options.corpus.name, "results": results})


if __name__ == "__main__":
    main()
