"""Train the encoder by which a model's ranking compares strings.

    python -m angel_hf.training.encoder --model DIR --ontologies FILE ... --corpora CORPUS ... --output DIR

learns which strings mean the same from the names of the model's knowledge base, from those of ontologies, and from the
mentions of PubTator corpora, and writes `encoder.safetensors` into `--output`, for `angel_hf.training.ranking
--encoder`. With `--dev`, logs and reports how many mentions of these corpora have a name of their concept as nearest.
Started again with the same arguments it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from angel_hf import AngelForEntityLinking
from angel_hf.formats.ontologies import read_terms
from angel_hf.jobs.text_file import write_json
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.ranking.memory import spelling
from angel_hf.training.data.corpus import corpus_names, expanded, read_corpus
from angel_hf.training.encoder.synonyms import vocabulary
from angel_hf.training.encoder.trainer import Training, train

_ROWS_AT_ONCE = 256

Encode = Callable[[Sequence[str]], np.ndarray]


def nearest_accuracy(knowledge_base: KnowledgeBase, dev: Sequence[Path]) -> Callable[[Encode], dict[str, float]]:
    """A measure of encodings: of each corpus the percentage of mentions whose nearest name is of a gold concept.

    Abbreviations are written out, and mentions without a concept in the knowledge base left out.
    """
    names = list(map(spelling, knowledge_base.entry_names()))
    corpora = {}
    for corpus, path in zip(corpus_names(dev), dev):
        mentions = (
            (one, frozenset(one.concept_ids(knowledge_base))) for one in expanded(read_corpus(path, "pubtator"))
        )
        corpora[corpus] = [(spelling(one.mention.surface), ids) for one, ids in mentions if ids]

    def measure(encode: Encode) -> dict[str, float]:
        vectors = encode(names)
        return {corpus: _accuracy(knowledge_base, vectors, encode, mentions) for corpus, mentions in corpora.items()}

    return measure


def _accuracy(
    knowledge_base: KnowledgeBase, names: np.ndarray, encode: Encode, mentions: Sequence[tuple[str, frozenset[str]]]
) -> float:
    vectors = encode([string for string, _ in mentions])
    starts = range(0, len(vectors), _ROWS_AT_ONCE)
    first = [(vectors[start : start + _ROWS_AT_ONCE] @ names.T).argmax(axis=1) for start in starts]
    found = (knowledge_base.entry_concept_ids(int(place)) for place in np.concatenate(first))
    return 100 * float(np.mean([not ids.isdisjoint(own) for (_, ids), own in zip(mentions, found)]))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the encoder by which a model's ranking compares strings.")
    parser.add_argument("--model", type=Path, required=True, help="directory of the model, for its knowledge base")
    parser.add_argument(
        "--ontologies", type=Path, nargs="*", default=[], help="files of ontologies, for their synonyms"
    )
    parser.add_argument("--corpora", type=Path, nargs="*", default=[], help="PubTator files: their mentions")
    parser.add_argument("--without", type=Path, nargs="*", default=[], help="PubTator files of documents to leave out")
    parser.add_argument("--dev", type=Path, nargs="*", default=[], help="PubTator files to measure on")
    parser.add_argument("--output", type=Path, required=True, help="directory to write to")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=Training().steps)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    knowledge_base = AngelForEntityLinking.from_pretrained(options.model).knowledge_base
    assert knowledge_base is not None, "a saved model has a knowledge base"
    kept_out = {one.document_id for path in (*options.dev, *options.without) for one in read_corpus(path, "pubtator")}
    mentions = (one for path in options.corpora for one in expanded(read_corpus(path, "pubtator")))
    learned = vocabulary(
        knowledge_base,
        [list(read_terms(path)) for path in options.ontologies],
        (one for one in mentions if one.document_id not in kept_out),
    )
    how = Training(steps=options.steps, seed=options.seed)
    measure = nearest_accuracy(knowledge_base, options.dev)
    encoder = train(learned, how, options.output, measure)
    encoder.save(options.output)
    report = {
        "training": asdict(how),
        "concepts": len(learned.own),
        "terms": len(learned.others),
        "nearest name": measure(encoder.encode),
    }
    write_json(options.output / "encoder.json", report)


if __name__ == "__main__":
    main()
