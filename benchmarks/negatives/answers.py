"""The answers of each model of a study to the mentions of a split."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import torch
from transformers.utils import logging

from angel_hf import AngelForEntityLinking
from angel_hf.jobs.text_file import write_json
from benchmarks.negatives.study import Study, Trained, models_of
from benchmarks.option_measurement import ranks_of
from eval_harness.benchmarks import BENCHMARKS
from eval_harness.corpus import open_corpus
from eval_harness.metrics.entity_linking.ranks import hits_at
from eval_harness.protocol import protocols_named
from eval_harness.task import Task, prepare_task


@dataclass
class Answers:
    """The answers of one variant's models to a split, mention by mention, all folds.

    Attributes:
        documents: fold and document of each mention.
        hits: for each seed, whether the first answer to each mention is right.
    """

    documents: list[tuple[str, str]] = field(default_factory=list)
    hits: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))


def answer_all(study: Study, data: Path, runs: Path, progress: Callable[[str], None]) -> dict[str, dict[str, Answers]]:
    """The answers of each variant's models to each split; earlier answers are read from the run's directory.

    Args:
        study: names the models. As many processes link as train together, of one thread each: for small models nearly
            twice as fast as one process of as many threads.
        data: directory that the study's paths are below.
        runs: directory of the runs.
        progress: called with a line of text at each stage.
    """
    found: dict[str, dict[str, Answers]] = {split: defaultdict(Answers) for split in study.splits}
    pairs = [(split, model) for split in study.splits for model in models_of(study)]
    for (split, model), (documents, hits) in zip(pairs, _link(study, data, runs, pairs), strict=True):
        progress(f"{split}: linked by {model.directory}")
        answers = found[split][model.variant]
        if model.seed == min(seed for seed in (model.seed, *answers.hits)):
            answers.documents += documents
        answers.hits[model.seed] += hits
    return found


_Reply = tuple[list[tuple[str, str]], list[bool]]
"""Fold and document of each mention, and whether its first answer is right."""


def _link(study: Study, data: Path, runs: Path, pairs: list[tuple[str, Trained]]) -> Iterator[_Reply]:
    if study.processes == 1:
        linker = Linker(study, data, runs)
        yield from (linker(split, model) for split, model in pairs)
        return
    start = get_context("spawn")
    with ProcessPoolExecutor(study.processes, start, initializer=_begin, initargs=(study, data, runs)) as pool:
        yield from pool.map(_reply, *zip(*pairs, strict=True))


class Linker:
    """Links the mentions of splits and folds, which are read once, with a study's models.

    Args:
        study: as for `answer_all`, like the rest.
    """

    def __init__(self, study: Study, data: Path, runs: Path) -> None:
        (benchmark,) = (one for one in BENCHMARKS if one.name == study.benchmark)
        knowledge_base = [data / name for name in study.knowledge_base]
        self.corpus = open_corpus(benchmark, data / study.source, study.text, knowledge_base)
        (self.protocol,) = protocols_named(study.protocol)
        self.runs = runs
        self.tasks: dict[tuple[str, str], Task] = {}

    def __call__(self, split: str, model: Trained) -> _Reply:
        """Fold and document of each mention, and whether the model's first answer is right."""
        key = split, model.fold
        if key not in self.tasks:
            self.tasks[key] = prepare_task(self.corpus, split, self.protocol, model.fold)
        task = self.tasks[key]
        documents = [(model.fold, example.document_id) for example in task.examples]
        return documents, _hits(task, self.runs / model.directory, split)


_LINKER: Linker | None = None


def _begin(study: Study, data: Path, runs: Path) -> None:
    """Prepare a worker process."""
    global _LINKER
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    _LINKER = Linker(study, data, runs)


def _reply(split: str, model: Trained) -> _Reply:
    assert _LINKER is not None, "_begin has run"
    return _LINKER(split, model)


def _hits(task: Task, run: Path, split: str) -> list[bool]:
    path = run / f"hits-{split}.json"
    question = {"protocol": task.protocol.name, "task": task.fingerprint}
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["asked"] == question:
            return list(known["hits"])
    linking = AngelForEntityLinking.from_pretrained(run / "model").float().eval()
    if linking.knowledge_base is None or linking.knowledge_base.fingerprint != task.knowledge_base.fingerprint:
        linking.set_knowledge_base(task.knowledge_base)
    hits = hits_at(1, ranks_of(linking.link([example.mention for example in task.examples], ranked=False), task))
    write_json(path, {"asked": question, "hits": hits})
    return hits
