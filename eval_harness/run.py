"""A run: every predictor under every protocol, with its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from angel_hf.knowledge_base import KnowledgeBase
from eval_harness.benchmark import Benchmark, sha256
from eval_harness.predictors.predictor import Predictor
from eval_harness.protocol import Protocol
from eval_harness.result_file import write_predictions, write_results
from eval_harness.scoring import Progress, Result, evaluate
from eval_harness.task import prepare_task


def run_all(
    benchmark: Benchmark,
    source: Path,
    split: str,
    knowledge_base: Path,
    predictors: Sequence[Predictor],
    protocols: Sequence[Protocol],
    out: Path,
    head: dict[str, Any],
    progress: Progress = lambda _: None,
) -> list[Result]:
    """Evaluate, and write `results.json` and `predictions/PREDICTOR-PROTOCOL.parquet`.

    Args:
        benchmark: what is evaluated on.
        source: directory of its files.
        split: which of them is asked.
        knowledge_base: file of the ontology, without strings from the corpus.
        predictors: each under every protocol.
        protocols: in the order of the results.
        out: directory to write to.
        head: what else results.json should tell, such as the command.
        progress: called with a line of text now and then.
    """
    ontology = KnowledgeBase.from_file(knowledge_base)
    results = []
    for protocol in protocols:
        task = prepare_task(benchmark, source, split, ontology, protocol)
        for predictor in predictors:
            result, predictions = evaluate(predictor, task, progress)
            write_predictions(out / "predictions" / f"{predictor.name}-{protocol.name}.parquet", predictions)
            results.append(result)
    splits = {split, *(name for one in protocols for name in (*one.knowledge_base_splits, *one.training_splits))}
    data = {path.name: sha256(path) for path in (benchmark.path(source, name) for name in sorted(splits))}
    write_results(
        out / "results.json",
        {
            "benchmark": benchmark.name,
            "split": split,
            **head,
            "data_sha256": data,
            "knowledge_base": {"file": knowledge_base.name, "fingerprint": ontology.fingerprint},
        },
        results,
    )
    return results
