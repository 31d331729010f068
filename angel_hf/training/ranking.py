"""Fit the ranking stages of a model on development sets.

    python -m angel_hf.training.ranking --model DIR --dev CORPUS ... --remember CORPUS ... --without TEST ...

reads PubTator corpora, abbreviations written out, and leaves out mentions without a concept in the knowledge base. The
weights are those of a grid with the highest accuracy, averaged over the corpora; of equal ones the least. Writes
`ranking.json` and `memory.jsonl` into the model's directory, and a report with every stage left out in turn.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from angel_hf import AngelForEntityLinking
from angel_hf.arrays.array_file import file_in
from angel_hf.jobs.text_file import write_json
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.model.ranked_linking import find
from angel_hf.ranking.memory import Memory, spelling
from angel_hf.ranking.ranker import Ranker
from angel_hf.ranking.ranking import Ranking, Weights
from angel_hf.ranking.subwords import ENCODER_FILE, SubwordEncoder
from angel_hf.search.beam import BeamSearch
from angel_hf.training.data.corpus import AnnotatedMention, corpus_names, expanded, read_corpus

GRID = {
    "alone": (0.0, 0.25, 0.5, 0.75, 1.0),
    "similarity": (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 20.0),
    "memory": (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0),
    "exact": (0.0, 0.5, 1.0, 2.0, 4.0),
}
"""The weights that are tried, all with all."""
SECOND_SEARCH = 0.5
"""Points of accuracy for which mentions are searched for by themselves as well."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answers:
    """The candidates of the mentions of a corpus.

    Args:
        corpus: its name.
        values: float64 [mentions, most candidates, stages]; see `ranker.Values`.
        is_candidate: bool [mentions, most candidates].
        is_right: bool [mentions, most candidates], those with a gold concept.
    """

    corpus: str
    values: np.ndarray
    is_candidate: np.ndarray
    is_right: np.ndarray

    def accuracy(self, weights: np.ndarray) -> float:
        """Percentage of mentions whose first candidate is right.

        Args:
            weights: float64 [stages].
        """
        scores = np.where(self.is_candidate, self.values @ weights, -np.inf)
        first = scores.argmax(axis=1)
        return 100 * float(self.is_right[np.arange(len(first)), first].mean())


def memory_of(mentions: Iterable[AnnotatedMention], knowledge_base: KnowledgeBase) -> Memory:
    """What annotated mentions are called; of a spelling all its concepts, the most frequent first.

    Args:
        mentions: of any corpora.
        knowledge_base: mentions without a concept of it are left out.
    """
    counts: dict[str, Counter[str]] = {}
    for annotated in mentions:
        string, ids = spelling(annotated.mention.surface), annotated.concept_ids(knowledge_base)
        if string and ids:
            counts.setdefault(string, Counter()).update(ids)
    return Memory({string: dict(own.most_common()) for string, own in counts.items()})


def answers(model: AngelForEntityLinking, ranking: Ranking, corpus: str, given: Sequence[AnnotatedMention]) -> Answers:
    """All candidates of the mentions that have a concept in the model's knowledge base.

    Raises:
        ValueError: none has one.
    """
    knowledge_base = model.knowledge_base
    assert knowledge_base is not None, "a model to fit has a knowledge base"
    gold = [frozenset(annotated.concept_ids(knowledge_base)) for annotated in given]
    known = [(annotated.mention, own) for annotated, own in zip(given, gold) if own]
    if not known:
        raise ValueError(f"{corpus}: none of its {len(given):,} mentions has a concept in the knowledge base")
    ranker = Ranker(replace(ranking, weights=Weights(alone=1.0)), knowledge_base)
    found = find(model, ranker, [mention for mention, _ in known], BeamSearch())
    candidates = list(ranker.values(found))
    most = max(len(one.entries) for one in candidates)
    values = np.zeros((len(candidates), most, len(fields(Weights)) + 1))
    is_candidate = np.zeros((len(candidates), most), dtype=bool)
    is_right = np.zeros_like(is_candidate)
    for row, (one, (_, own)) in enumerate(zip(candidates, known)):
        count = len(one.entries)
        values[row, :count], is_candidate[row, :count] = one.values, True
        is_right[row, :count] = [not own.isdisjoint(knowledge_base.entry_concept_ids(n)) for n in one.entries.tolist()]
    return Answers(corpus, values, is_candidate, is_right)


def fit(given: Sequence[Answers], left_out: str = "") -> Weights:
    """The weights of GRID with the highest mean accuracy; of equal ones those with the least sum.

    Each mention is searched for by itself as well only where that adds SECOND_SEARCH points, since it takes as much
    time again as the first search.

    Args:
        given: the answers to each corpus.
        left_out: a stage that counts nothing.
    """
    grid = {name: (0.0,) if name == left_out else values for name, values in GRID.items()}
    tried = [Weights(*values) for values in itertools.product(*grid.values())]
    means = [round(np.mean([one.accuracy(weights.of_stages()) for one in given]), 9) for weights in tried]
    order = sorted(range(len(tried)), key=lambda place: (-means[place], sum(asdict(tried[place]).values())))
    first = order[0]
    once = next(place for place in order if not tried[place].alone)
    return tried[first if means[first] - means[once] >= SECOND_SEARCH else once]


def report(given: Sequence[Answers], fitted: Weights) -> dict[str, object]:
    """Accuracy on each corpus of the search alone, of all stages, and with each stage left out and the rest fitted."""

    def measured(weights: Weights) -> dict[str, object]:
        return {
            "weights": asdict(weights),
            "accuracy": {one.corpus: one.accuracy(weights.of_stages()) for one in given},
        }

    return {
        "mentions": {one.corpus: len(one.values) for one in given},
        "a candidate is right": {one.corpus: 100 * float(one.is_right.any(axis=1).mean()) for one in given},
        "search": measured(Weights()),
        "all stages": measured(fitted),
        "left out": {stage.name: measured(fit(given, stage.name)) for stage in fields(Weights)},
    }


@dataclass(frozen=True, slots=True)
class Sources:
    """Files that a ranking is made from.

    Args:
        dev: corpora to fit on.
        remember: corpora whose mentions are remembered.
        without: corpora whose documents are not remembered, wherever they stand; nor are those of `dev`.
        encoder: `encoder.safetensors` or its directory; None: strings are compared by their trigrams.
    """

    dev: Sequence[Path]
    remember: Sequence[Path] = ()
    without: Sequence[Path] = ()
    encoder: Path | None = None


def fit_ranking(model_dir: Path, sources: Sources, report_path: Path | None) -> Ranking:
    """Fit, and write into the model's directory.

    Args:
        model_dir: of the model.
        sources: of the ranking.
        report_path: file for the measurements.

    Raises:
        ValueError: no mention of a corpus of `dev` has a concept in the model's knowledge base.
    """
    dev, remember, without = sources.dev, sources.remember, sources.without
    model = AngelForEntityLinking.from_pretrained(model_dir).eval()
    assert model.knowledge_base is not None, "a model to fit has a knowledge base"
    kept_out = {one.document_id for path in (*dev, *without) for one in read_corpus(path, "pubtator")}
    mentions = (one for path in remember for one in expanded(read_corpus(path, "pubtator")))
    memory = memory_of((one for one in mentions if one.document_id not in kept_out), model.knowledge_base)
    encoder = None if sources.encoder is None else SubwordEncoder.load(file_in(sources.encoder, ENCODER_FILE))
    ranking = Ranking(Weights(), memory, encoder)
    given = [
        answers(model, ranking, name, expanded(read_corpus(path, "pubtator")))
        for name, path in zip(corpus_names(dev), dev)
    ]
    weights = fit(given)
    ranking = replace(
        ranking, weights=weights, fitted_on=", ".join(f"{one.corpus} ({len(one.values)})" for one in given)
    )
    ranking.save(model_dir)
    results = report(given, weights)
    _logger.info("%s", json.dumps(results, indent=2))
    if report_path is not None:
        write_json(report_path, results)
    return ranking


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fit the ranking stages of a model on development sets.")
    parser.add_argument("--model", type=Path, required=True, help="directory of the model, which gets ranking.json")
    parser.add_argument("--dev", type=Path, nargs="+", required=True, help="PubTator files to fit the weights on")
    parser.add_argument("--remember", type=Path, nargs="*", default=[], help="PubTator files to remember mentions of")
    parser.add_argument("--without", type=Path, nargs="*", default=[], help="PubTator files of documents to forget")
    parser.add_argument("--encoder", type=Path, help="by angel_hf.training.encoder; without one, trigrams are compared")
    parser.add_argument("--report", type=Path, help="write the measurements here, as JSON")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sources = Sources(options.dev, options.remember, options.without, options.encoder)
    fit_ranking(options.model, sources, options.report)


if __name__ == "__main__":
    main()
